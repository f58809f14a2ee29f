#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_command.sh REEL
#
# The command as people meet it: help, wrong usage, exit status, what is written, gnuplot there or not.
reel=$(realpath "$1") || exit 1
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/command_checks.sh"

# ---- help ----
for command in '' train 'train two-moons' fit lr-find 'lr-find two-moons' diagnose inspect ops bench course 'course all' \
    'course learning-rates'; do
    # shellcheck disable=SC2086
    expect 0 "$reel" $command --help
    holds out "^usage: reel"
    holds out "^example: reel"
    [ ! -s err ] || fail "help of $command on standard error"
done
"$reel" train two-moons --help >help
for flag in optimizer lr momentum beta1 weight-decay schedule clip-norm epochs batch hidden precision samples noise \
    data-seed seed accumulate patience min-delta min-gradient min-change monitor rollback rollback-rate \
    rollback-most log-every background stop-when-not-finite checkpoint-dir every keep resume force durable accept-edited out json quiet compare; do
    holds help "^  --$flag\b"
done
holds help '^--optimizer adamw'
holds help 'cosine'
expect 0 "$reel" --version
holds out '^reel [0-9]'
holds out 'compiler'
holds out 'kernels'

"$reel" lr-find two-moons --help >help
for flag in optimizer lr beta1 batch hidden samples least most steps smoothing stop out json; do
    holds help "^  --$flag\b"
done

"$reel" course learning-rates --help >help
for flag in lr start steps momentum optimizer out svg json quiet; do
    holds help "^  --$flag\b"
done
holds help '^  critical_rate '
lacks help '--batch' # it means nothing here

# ---- wrong usage: 2 ----
wrong 2 'did you mean quartic' course quartik
wrong 2 'the exercise comes first' course --
wrong 2 '--svg needs a folder' course quartic --svg
wrong 2 'there is no flag --batch' course quartic --batch 3
wrong 2 '--lr: found "x", expected above 0' course quartic --lr 0.1,x
wrong 2 '--lr: found "", expected' course quartic --lr 0.1,
wrong 2 '--lr: takes at most 16' course quartic --lr 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
wrong 2 '--start: found 1, expected 2 numbers' course revenue --start 3
wrong 2 '--optimizer: .* did you mean adam' course revenue --optimizer adan
wrong 2 '--momentum: adam has no such' course revenue --optimizer adam --momentum 0.5
wrong 2 '--steps: found 0' course revenue --steps 0
wrong 2 'MODEL is missing' lr-find
wrong 2 'did you mean two-moons' lr-find two-moon
wrong 2 '--steps: found 3, expected' lr-find two-moons --steps 3
wrong 2 '--smoothing: found 1, expected' lr-find two-moons --smoothing 1
wrong 2 '--least must be below --most' lr-find two-moons --least 1 --most 1
wrong 2 '--beta1: sgd has no such' lr-find two-moons --beta1 0.9
wrong 2 'a command is missing'
wrong 2 'did you mean inspect' inspct
wrong 2 'there are train' xyz
wrong 2 'MODEL is missing' train
wrong 2 'did you mean two-moons' train two-moon
wrong 2 'did you mean --momentum' train two-moons --momentun 1
wrong 2 'there is no flag -x' train two-moons -x
wrong 2 'needs a value' train two-moons --lr
wrong 2 'takes no value' train two-moons --quiet=1
wrong 2 'takes flags only, found 3' train two-moons 3
wrong 2 '--lr: found "x", expected' train two-moons --lr x
wrong 2 '--lr: found -1, expected 0 or above' train two-moons --lr -1
wrong 2 '--lr: found nan' train two-moons --lr nan
wrong 2 '--epochs: found 1.5, expected a whole number' train two-moons --epochs 1.5
wrong 2 '--beta1: sgd has no such' train two-moons --beta1 0.9
wrong 2 'did you mean adam' train two-moons --optimizer addam
wrong 2 'there are sgd, momentum, adam, adamw' train two-moons --optimizer simplex
wrong 2 'no schedule "cosin"' train two-moons --schedule cosin
wrong 2 'every: found 0' train two-moons --schedule step:0
wrong 2 '--patience: found -1' train two-moons --patience -1
wrong 2 '--rollback-rate: found 2' train two-moons --rollback-rate 2
wrong 1 'expected 0 or a number above 1' train two-moons --rollback 0.5 --quiet
wrong 2 'even number' train two-moons --samples 3
wrong 2 '--hidden: found 0' train two-moons --hidden 8,0
wrong 2 '--hidden: found ""' train two-moons --hidden 8,,4
wrong 2 'expected float or double' train two-moons --precision half
wrong 2 '--keep: found 1' train two-moons --keep 1 --out x
wrong 2 '--every needs a folder' train two-moons --every 5
wrong 2 '--resume auto needs' train two-moons --resume auto
wrong 2 'is for --resume' train two-moons --schedule-origin here --out x
wrong 2 'expected start or here' train two-moons --schedule-origin there --resume auto --out x
wrong 2 'expected =steps' train two-moons --reset-moments=all --resume auto --out x
wrong 2 '--prove needs' train two-moons --prove 3
wrong 2 'leave --optimizer out' train two-moons --compare --optimizer sgd
wrong 2 'leave hyper-parameters' train two-moons --compare --lr 1
wrong 2 'FILE|DIR is missing' inspect
wrong 2 'takes one FILE|DIR' inspect a b
wrong 2 'did you mean matmul' ops matmull
[ ! -e x ] || fail 'wrong usage has made a folder'

# ---- failures: 1 ----
wrong 1 'there is no such file' train two-moons --quiet --resume missing
wrong 1 'cannot be written' train two-moons --quiet --json missing/run.json
wrong 1 'loss is' train two-moons --quiet --lr 1e30
wrong 1 'there is no such file' inspect missing
mkdir empty
expect 1 "$reel" inspect empty
holds err 'holds no checkpoint'
if [ -e /dev/full ]; then
    expect 1 "$reel" train two-moons --quiet --epochs 1 --json /dev/full
    holds err 'cannot be written'
    "$reel" ops >/dev/full 2>err && fail 'a full standard output was not noticed'
    holds err 'standard output'
fi

# ---- nothing is written unless asked ----
mkdir bare
(cd bare && "$reel" train two-moons --epochs 3) >out 2>err || fail 'a bare training'
[ -z "$(ls -A bare)" ] || fail 'a training without --out has written files'
holds err '^step 3/3'
holds out 'loss 0\.'
expect 0 "$reel" train two-moons --epochs 3 --quiet
[ ! -s err ] || fail 'progress in spite of --quiet'

# ---- a run and its folder ----
expect 0 "$reel" train two-moons --quiet --optimizer adamw --weight-decay 0.02 --amsgrad --epochs 30 --schedule cosine \
    --clip-norm 0.5 --hidden 6,5 --out run --json run.json
cmp -s run.json run/two-moons.json || fail '--json and the file in --out differ'
holds run.json '"weight_decay":	0.02'
holds run.json '"amsgrad":	1'
holds run.json '"hidden":	\[6, 5\]'
holds run.json '"clip_norm":	0.5'
for file in losses.gp losses.dat boundary.gp boundary.dat points.dat checkpoints/log.jsonl; do
    [ -s run/$file ] || fail "run/$file is missing"
done
if command -v gnuplot >/dev/null; then
    for picture in losses boundary; do
        is_png run/$picture.png
    done
    (cd run && rm losses.png && gnuplot losses.gp && [ -s losses.png ]) || fail 'the script alone does not draw'
fi
wrong 1 'run up to step 30.*--resume auto, --force' train two-moons --quiet --epochs 30 --checkpoint-dir run/checkpoints
expect 0 "$reel" train two-moons --optimizer adamw --epochs 40 --hidden 6,5 --lr 0.01 --out run --resume auto
holds err 'resumed at step 30'
holds err 'lr 0.05 -> 0.01 (flag)'
holds err 'data hash unchanged'
holds err 'now ends after 40 updates instead of 30: the next one has the rate'
wrong 1 'found \[2,6,5,1\], expected \[2,8,1\]' train two-moons --quiet --optimizer adamw --out run --resume auto
expect 0 "$reel" train two-moons --quiet --epochs 5 --out run --force
holds run/two-moons.json '"steps":	5'

# ---- numbers on standard output ----
"$reel" train two-moons --epochs 2 --quiet --json - >out 2>err || fail '--json -'
[ "$(head -c 1 out)" = '{' ] || fail '--json - mixes text and numbers'

# ---- averages, gradient noise, validation ----
expect 0 "$reel" train two-moons --quiet --epochs 30 --batch 50 --average ema:0.9:start=20 --validation 40 --out averaged --json averaged.json
holds out 'with the averaged parameters  *loss 0'
holds out 'on the points for validation  *loss 0'
holds averaged.json '"decay":	0.9,'
holds averaged.json '"start":	20,'
holds averaged.json '"count":	101,' # steps 20 to 120
holds averaged.json '"validation_loss":	0'
expect 0 "$reel" train two-moons --quiet --epochs 40 --batch 50 --validation 40 --out averaged --resume auto --prove 3
holds out 'with the averaged parameters'
holds out 'proved: 3 steps'
expect 1 "$reel" train two-moons --quiet --epochs 50 --batch 50 --validation 60 --out averaged --resume auto
holds err 'not the validation data of the run'
expect 0 "$reel" train two-moons --quiet --epochs 50 --batch 50 --validation 60 --out averaged --resume auto --force
"$reel" diagnose averaged/checkpoints >out 2>err # the average is built again
holds out '^step 200, 200 points'
wrong 2 'no average "emo"; there are swa, ema' train two-moons --average emo
wrong 2 'decay: found 1, expected from 0 to below 1' train two-moons --average ema:1
wrong 2 'ema: found a value more than it has' train two-moons --average ema:0.9:0:3
wrong 2 'there are decay, warmup, start, every' train two-moons --average ema:strat=3
wrong 2 'expected an even number' train two-moons --validation 3
expect 0 "$reel" train two-moons --quiet --epochs 20 --gradient-noise 0.3 --json noisy.json
expect 0 "$reel" train two-moons --quiet --epochs 20 --json still.json
[ "$(sed -n '/"loss":/,/]/p' noisy.json)" != "$(sed -n '/"loss":/,/]/p' still.json)" ] || fail 'gradient noise has done nothing'
"$reel" train two-moons --help | sed -n 's/^  --\([a-z0-9-]*\).*/\1/p' | sed '/^lr$/,$d' | sort | uniq -d >twice
[ ! -s twice ] || fail "flags that stand there twice: $(cat twice)"

# ---- lr-find ----
wrong 1 'cannot be written' lr-find two-moons --json /nowhere/x.json
expect 0 "$reel" lr-find two-moons --batch 20 --steps 60 --out rates --json numbers.json
holds out '^suggestion\|^no reliable suggestion'
holds out '^stability limit .* = 2 / lambda$'
[ "$(grep -c '^4[234] ' out)" -eq 3 ] || fail 'not three seeds'
holds numbers.json '"suggestion":'
cmp -s numbers.json rates/lr-find.json || fail 'other numbers in the folder'
for file in lr-find.gp lr-find.dat; do [ -s rates/$file ] || fail "rates/$file is missing"; done
! command -v gnuplot >/dev/null || [ -s rates/lr-find.png ] || fail 'rates/lr-find.png is missing'
expect 0 "$reel" lr-find two-moons --steps 40 --json -
head -c 1 out | grep -q '{' || fail 'no JSON on standard output'
holds err 'the other seeds give the same'

# ---- diagnose ----
"$reel" train two-moons --quiet --epochs 20 --optimizer adam --checkpoint-dir fine >out 2>err || fail 'fine'
expect 0 "$reel" diagnose fine
holds out '^nothing wrong: .* loss 0'
"$reel" train two-moons --quiet --epochs 8 --lr 60 --checkpoint-dir high >out 2>err || fail 'high'
expect 3 "$reel" diagnose high/step-000000008.json --json found.json
holds out '^rate too high: the rate 60 '
holds found.json '"cause":	"rate too high"'
holds found.json '"memorised":	0'
"$reel" train two-moons --quiet --epochs 8 --lr 1e-6 --batch 50 --checkpoint-dir low >out 2>err || fail 'low'
expect 3 "$reel" diagnose low --json -
head -c 1 out | grep -q '{' || fail 'no JSON on standard output'
holds err '^rate too low: in 50 steps at the rate 1e-06 '
expect 0 "$reel" diagnose fine --recipe 'two-moons --optimizer adam --noise 0.3'
holds out 'measured only in the file: .*data_hash'
holds out 'reel_diagnose(trainer, &found)'
sed 's/"loss_before": *[0-9.]*/"loss_before": 9/' high/step-000000008.json >edited.json
expect 3 "$reel" diagnose edited.json --recipe 'two-moons --optimizer adam'
holds out 'measured only in the file: .*adam'
holds out '^loss risen: the loss has risen to 9 '
for recipe in 'no-moons' 'two-moons --hidden' "two-moons 'open" '' 'two-moons --noise -1'; do
    expect 3 "$reel" diagnose high --recipe "$recipe"
    holds out 'measured only in the file: its recipe'
done
# A recipe says what no form of the model tells: any optimizer, other points, several batches an update.
"$reel" train two-moons --quiet --epochs 10 --optimizer lamb --lr 0.02 --noise 0.2 --data-seed 7 --batch 20 --accumulate 2 \
    --schedule cosine --checkpoint-dir other >out 2>err || fail 'other'
holds other/step-000000050.json '"recipe": "two-moons --samples 200 --noise 0.2 --validation 0 --data-seed 7 .* --optimizer lamb --batch 20"'
"$reel" diagnose other --json other.json >out 2>err
holds out '^step 50, 200 points: loss 0'
# A file without a recipe is known by its form.
sed 's/"recipe": *"[^"]*", *//' fine/step-000000020.json >plain.json
! grep -q recipe plain.json || fail 'the recipe is there still'
expect 0 "$reel" diagnose plain.json
holds out '^step 20, 200 points'
expect 0 "$reel" diagnose --self-test 4 --seed 3 --quiet --all --json self.json
holds out '4 of 4 right'
holds out '^seed 3, nothing wrong: '
holds self.json '"right":	4'
[ "$(grep -c '"made":	"' self.json)" -eq 4 ] || fail 'not every run of the self-test is in the JSON file'
wrong 2 '--self-test takes no checkpoint' diagnose --self-test 4 fine
wrong 2 '--self-test: found 0' diagnose --self-test 0
wrong 1 'there is no such file' diagnose missing.json
wrong 2 'CHECKPOINT|DIR is missing' diagnose

# ---- inspect ----
"$reel" train two-moons --quiet --epochs 40 --optimizer momentum --checkpoint-dir look --keep all >out 2>err || fail 'look'
expect 0 "$reel" inspect look/step-000000040.json --json seen.json
for text in 'hash *right' 'step *40 of 40' 'lr 0.5, momentum 0.9' 'net.0.weight *(8, 2) *float32' 'kernels' 'rate *0.5'; do
    holds out "$text"
done
holds seen.json '"not_finite":	0'
expect 0 "$reel" inspect look/step-000000040.json --values net.0.weight
[ "$(wc -l <out)" -eq 8 ] || fail 'net.0.weight has 8 rows'
expect 1 "$reel" inspect look/step-000000040.json --values net.7.weight
holds err 'no parameter "net.7.weight"'
expect 0 "$reel" inspect look
[ "$(grep -c 'hash right' out)" -eq 11 ] || fail 'a line for each of 11 checkpoints'
[ "$(grep -c ', best$' out)" -eq 1 ] || fail 'one best checkpoint'
sed 's/"lr": 0.5/"lr": 0.6/' look/step-000000040.json >look/step-000000041.json
head -c 900 look/step-000000040.json >look/step-000000042.json
expect 1 "$reel" inspect look
holds out 'step-000000041.json .*hash wrong'
holds out 'step-000000042.json .*damaged: '
expect 1 "$reel" inspect look/step-000000041.json
holds out 'hash *wrong'
wrong 1 'hash is wrong' train two-moons --quiet --resume look/step-000000041.json
# The damaged ones are passed over, and said so.
expect 0 "$reel" train two-moons --epochs 50 --optimizer momentum --checkpoint-dir look --resume auto
holds err 'passed over a checkpoint: .*step-000000042'
holds err 'resumed at step 40'

# ---- guards ----
expect 0 "$reel" train two-moons --batch 40 --epochs 60 --lr 4 --schedule plateau:0.5:0 --patience 9 --monitor 5 \
    --accumulate 2 --checkpoint-dir guarded --json guarded.json
[ -s guarded/monitor.jsonl ] || fail 'no monitor.jsonl'
[ "$(sed 's/.*"rate": //;s/[,}].*//' guarded/log.jsonl | sort -u | wc -l)" -gt 2 ] || fail 'the plateau has not lowered the rate'
holds guarded.json '"patience":	9'
holds guarded.json '"ended":'
wrong 1 'rollback goes back to a checkpoint' train two-moons --rollback 3 --quiet
expect 0 "$reel" train two-moons --optimizer momentum --lr 50 --epochs 60 --every 1 --rollback 3 --rollback-most 20 \
    --checkpoint-dir back
holds back/log.jsonl '"rollback_to": '
holds err 'rollback 1 of 20'
expect 1 "$reel" train two-moons --lr 1e30 --checkpoint-dir bad
holds err 'the loss is nan in step .* from finite numbers: operand 1'
holds err 'is saved, to be examined'

# ---- course ----
wrong 1 'cannot be written' course neuron --json /nowhere/x.json
expect 0 "$reel" course
holds out '^  house-prices .*[.]$'
holds out '^  all '
expect 0 "$reel" course revenue --out shop --svg --json shop.json
holds out '^Optimal Strategy: Ads=\$50.00k'
holds out '^  differs '
cmp -s shop.json shop/revenue.json || fail '--json and the file in --out differ'
for file in revenue.gp revenue.dat; do [ -s shop/$file ] || fail "shop/$file is missing"; done
if command -v gnuplot >/dev/null; then
    is_png shop/revenue.png
    grep -q '<svg' shop/revenue.svg || fail 'shop/revenue.svg is no SVG'
fi
expect 0 "$reel" course revenue --quiet --lr 0.1,0.2 --out rates --json rates.json
[ ! -s out ] || fail 'course prints in spite of --quiet'
[ -s rates/lr-0.1/revenue.json ] && [ -s rates/lr-0.2/revenue.json ] || fail 'not a folder for each rate'
holds rates.json '"runs"'
expect 0 "$reel" course revenue --json -
head -c 1 out | grep -q '{' || fail 'no JSON on standard output'
holds err '^revenue: '

# ---- ops ----
expect 0 "$reel" ops
for operation in matmul relu cross_entropy reshape dropout; do holds out "^$operation "; done
expect 0 "$reel" ops relu --json relu.json
holds out 'max(x, 0)'
holds relu.json '"formula"'

# ---- without gnuplot ----
mkdir tools
expect 0 env PATH="$here/tools" "$reel" train two-moons --quiet --epochs 3 --out plain
holds out 'install gnuplot and run: cd plain && gnuplot losses.gp boundary.gp'
for file in losses.gp losses.dat boundary.gp boundary.dat; do [ -s plain/$file ] || fail "plain/$file is missing"; done
[ ! -e plain/losses.png ] || fail 'a picture without gnuplot'
expect 0 env PATH="$here/tools" "$reel" course revenue --out plain
holds out 'install gnuplot and run: cd plain && gnuplot revenue.gp'
printf '#!/bin/sh\nexit 3\n' >tools/gnuplot
chmod +x tools/gnuplot
expect 1 env PATH="$here/tools" "$reel" train two-moons --quiet --epochs 3 --out failing
holds err 'gnuplot failed on failing/losses.gp with status 3'

finish
