#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_views.sh REEL
#
# reel schedule, plot and diff: their figures against what a run has logged and against values worked out by hand.
reel=$(realpath "$1") || exit 1
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/command_checks.sh"
live=
trap '[ -z "$live" ] || kill "$live" 2>/dev/null; clean_up' EXIT

# train FOLDER FLAG...
train() {
    train_folder=$1
    shift
    "$reel" train two-moons --quiet --checkpoint-dir "$train_folder" "$@" >out 2>err || fail "training $train_folder: $*"
}

for command in schedule plot diff; do
    expect 0 "$reel" $command --help
    holds out "^usage: reel $command"
    holds out "^example: reel $command"
    [ ! -s err ] || fail "help of $command on standard error"
done

# ---- schedule: the rates that an optimizer used ----
# Updates and rates of a schedule's CSV file and of a log, as numbers: mawk and gawk read all digits.
same_rates() {
    sed -E '1d; s/^("[^"]*"|[^,]*),//; s/,/ /g' planned.csv >planned
    sed -E 's/.*"step": ([0-9]+),.*"rate": ([^,}]*).*/\1 \2/' run/log.jsonl >used
    awk 'NR == FNR { rate[$1] = $2; n++; next }
        !($1 in rate) || rate[$1] + 0 != $2 + 0 { print "update " $1 ": planned " rate[$1] ", used " $2; bad = 1 }
        { m++ } END { if (n != m || n != 80) { print n " planned, " m " used"; bad = 1 } exit bad }' planned used >out ||
        fail "planned and used rates differ: $1"
}
for schedule in warmup:20,cosine:1e-4 onecycle cyclic:0.2:10 step:20:0.5 exponential:0.97 restarts:10:2 multistep:0.3:7:30 \
    linear:0.1:1:9*step:30 polynomial 'warmup:5,linear:end=0.1@40,constant:0.1'; do
    rm -rf run
    train run --optimizer adam --epochs 20 --batch 60 --lr 0.03 --schedule "$schedule"
    expect 0 "$reel" schedule "$schedule" --optimizer adam --lr 0.03 --epochs 20 --batch 60 --rows 200 --csv planned.csv
    same_rates "$schedule"
done

# ---- schedule: by hand ----
"$reel" schedule step:3:0.5 --lr 1 --steps 7 --csv - >out 2>err || fail 'step by hand'
printf 'schedule,step,rate\nstep:3:0.5,1,1\nstep:3:0.5,2,1\nstep:3:0.5,3,1\nstep:3:0.5,4,0.5\nstep:3:0.5,5,0.5\n' >by_hand
printf 'step:3:0.5,6,0.5\nstep:3:0.5,7,0.25\n' >>by_hand
cmp -s by_hand out || fail 'step:3:0.5 by hand'
"$reel" schedule onecycle:0.4:11:0.5:linear --optimizer momentum --steps 11 >out 2>err
holds err 'there is no momentum'
expect 0 "$reel" schedule onecycle --lr 0.4 --steps 100 --csv one.csv
holds one.csv '^onecycle,1,0.0160*[0-9]*,0.95$' # most / div
holds one.csv '^onecycle,30,0.4,0.85$' # the top, at 0.3 of the steps
holds one.csv '^onecycle,100,.*,0.95$'
expect 0 "$reel" schedule cosine --lr 0.2 --epochs 3 --batch 60 --rows 200 --json long.json
holds out '12 updates' # 4 an epoch, the last of them smaller
holds long.json '"uses_horizon":	true'
expect 0 "$reel" schedule warmup:20,cosine:1e-4 'step:60:0.5' --lr 0.05 --steps 200
holds out '^ *0.05 +'
holds out 'warmup:20,cosine:1e-4$'
holds out 'highest 0.05 at update 20'
expect 0 "$reel" schedule --list --json list.json
for name in constant step multistep exponential cosine warmup linear polynomial restarts onecycle cyclic plateau swa; do
    holds out "^$name\b"
    holds list.json "\"$name\""
done
holds out 'three_phase  *down as slowly as up'
expect 0 "$reel" schedule onecycle cosine --steps 100 --out drawn
for file in schedule.gp schedule.dat; do [ -s drawn/$file ] || fail "drawn/$file is missing"; done
if command -v gnuplot >/dev/null; then is_png drawn/schedule.png; fi

wrong 2 'plateau follows a metric' schedule plateau --steps 5
wrong 2 'did you mean cosine' schedule warmup:3,cosin --steps 5
wrong 2 'every: found 0' schedule step:0 --steps 5
wrong 2 'how long is the run' schedule cosine
wrong 2 'adagrad has none' schedule onecycle --steps 100 --optimizer adagrad
wrong 2 'did you mean adam' schedule cosine --steps 5 --optimizer addam
wrong 2 '--momentum: adagrad has none' schedule cosine --steps 5 --optimizer adagrad --momentum 0.5
wrong 2 'found 0, expected a whole number' schedule cosine --steps 0
wrong 2 'leave --epochs' schedule cosine --steps 5 --epochs 2
wrong 2 'needs --rows' schedule cosine --epochs 5 --batch 2
wrong 2 'SPEC is missing' schedule
wrong 2 'both want standard output' schedule cosine --steps 5 --csv - --json -
wrong 1 'cannot be written' schedule cosine --steps 5 --json missing/x.json
expect 1 "$reel" schedule exponential:1e300 --lr 1 --steps 5
holds err 'not finite at update 3'

# ---- plot: by hand ----
mkdir hand
cat >hand/log.jsonl <<'END'
{"step": 1, "epoch": 0, "loss": 1, "rate": 0.5}
{"step": 2, "epoch": 0, "loss": 2, "rate": 0.5, "val_loss": 7}
{"step": 3, "epoch": 1, "loss": "nan", "rate": 0.5}
{"step": 4, "epoch": 1, "loss": 4, "rate": 0.5}
END
# Ten seconds up to step 4, then again from step 2: five seconds for two steps.
cat >hand/times.jsonl <<'END'
{"step": 0, "from_step": 0, "seconds": 0, "time": 1}
{"step": 4, "from_step": 0, "seconds": 10, "time": 11}
{"step": 4, "from_step": 2, "seconds": 5, "time": 21}
END
expect 0 "$reel" plot hand --smooth 0.5 --csv hand.csv
holds err '1 of 4 values of loss are not finite'
cat >by_hand <<'END'
run,step,loss,loss_smooth
hand,1,1,1
hand,2,2,1.6666666666666667
hand,3,nan,nan
hand,4,4,3
END
cmp -s by_hand hand.csv || fail 'smoothing by hand'
expect 0 "$reel" plot hand --x epoch --y val_loss,rate --csv - --quiet
printf 'run,epoch,val_loss,rate\nhand,0.5,,0.5\nhand,1,7,0.5\nhand,1.5,,0.5\nhand,2,,0.5\n' >by_hand
cmp -s by_hand out || fail 'epochs by hand'
expect 0 "$reel" plot hand --x seconds --y rate --csv -
printf 'run,seconds,rate\nhand,2.5,0.5\nhand,5,0.5\nhand,7.5,0.5\nhand,10,0.5\n' >by_hand
cmp -s by_hand out || fail 'seconds by hand'
expect 0 "$reel" plot hand --y loss,val_loss --json hand.json --quiet
holds hand.json '"loss":	\[1, 2, "nan", 4\]'
holds hand.json '"val_loss":	\[null, 7, null, null\]'
[ ! -s err ] || fail 'remarks in spite of --quiet'
expect 0 "$reel" plot hand
holds out '^hand  *loss  *4 '
holds out 'updates made'

# A log that is being written.
cp hand/log.jsonl half.jsonl
printf '{"step": 5, "epoch": 2, "lo' >>half.jsonl
expect 0 "$reel" plot half.jsonl --json half.json
holds err 'its last line is not whole yet'
holds half.json '"lines":	4'
holds half.json '"half_written_line":	true'
# Without the leak check, which a signal can stop for ever.
ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" "$reel" train two-moons --quiet --epochs 100000000 --every 200 --checkpoint-dir live >live_out 2>&1 &
live=$!
for try in 1 2 3 4 5 6 7 8 9 9 9 9; do
    [ -s live/log.jsonl ] && break
    sleep "0.$try"
done
expect 0 "$reel" plot live --log y --smooth 0.9
holds out '^live  *loss '
kill "$live"
wait "$live"
live=

# Several runs, files of numbers, keys.
"$reel" train two-moons --compare --quiet --epochs 30 --batch 50 --out three >out 2>err || fail 'three runs'
expect 0 "$reel" plot three --y loss,rate --log y --smooth 0.9 --out pictures --csv three.csv
for name in adam momentum sgd; do
    holds out "^$name  *rate  *120 "
    [ "$(grep -c "^$name," three.csv)" -eq 120 ] || fail "120 points of $name"
done
for file in plot.gp plot.dat; do [ -s pictures/$file ] || fail "pictures/$file is missing"; done
if command -v gnuplot >/dev/null; then is_png pictures/plot.png; fi
expect 0 "$reel" plot planned.csv three/checkpoints/sgd --y rate # what was planned beside what was done
expect 0 "$reel" plot three.csv --y loss_smooth
[ "$(grep -c '  *loss_smooth  *120 ' out)" -eq 3 ] || fail 'three runs of one CSV file'
expect 0 "$reel" plot hand three/checkpoints/sgd --y val_loss
holds err 'sgd: no line has a "val_loss"'
expect 0 "$reel" plot hand three/checkpoints/sgd --y loss,val_loss --log y --out partly --quiet
[ ! -s err ] || fail 'a panel that one run has nothing in'
printf '{"step": 1, "loss": 1}\nno object\n{"step": 3, "loss": 1}\n' >broken.jsonl
printf 'a,b\n1,2\n3\n4,5\n' >broken.csv
mkdir none
wrong 1 'line 2 is no JSON object' plot broken.jsonl
wrong 1 'line 3: found 1 fields' plot broken.csv --x a --y b
wrong 1 'did you mean loss' plot hand --y los
wrong 1 'there are step, epoch, loss, rate, val_loss' plot hand --y accuracy
wrong 1 'holds no run' plot none
wrong 1 'missing: cannot be read' plot missing
wrong 2 'expected x, y or xy' plot hand --log z
wrong 2 '--smooth: found 1, expected' plot hand --smooth 1
wrong 2 'loss is there twice' plot hand --y loss,loss
wrong 2 'RUN... is missing' plot
printf '{"step": 1, "loss": -1}\n{"step": 2, "loss": -2}\n' >negative.jsonl
wrong 1 'finite and above 0' plot negative.jsonl --log y

# ---- without gnuplot ----
mkdir tools
env PATH="$here/tools" "$reel" plot hand --out plain >out 2>err || fail 'plot without gnuplot'
holds out 'install gnuplot and run: cd plain && gnuplot plot.gp'
holds out 'updates made' # drawn in characters instead
env PATH="$here/tools" "$reel" schedule cosine --steps 5 --out plain >out 2>err || fail 'schedule without gnuplot'
holds out 'install gnuplot and run: cd plain && gnuplot schedule.gp'
for file in schedule plot; do [ -s plain/$file.dat ] || fail "plain/$file.dat is missing"; done

# ---- diff: logs ----
sed 's/"loss": 2,/"loss": 2.0000000000000004,/' hand/log.jsonl >other.jsonl
expect 1 "$reel" diff hand/log.jsonl other.jsonl --json other.json
holds out 'step 2 is the first that differs; 1 of 4 do'
holds out '^  loss .*2.0000000000000004'
holds other.json '"first":	2,'
cp hand/log.jsonl same.jsonl
expect 0 "$reel" diff hand/log.jsonl same.jsonl # NaN is NaN
holds out '4 steps in both, all the same'
printf '{"step": 1, "loss": 0.0}\n' >zero.jsonl
printf '{"step": 1, "loss": -0.0}\n' >minus.jsonl
expect 1 "$reel" diff zero.jsonl minus.jsonl
head -n 3 same.jsonl >shorter.jsonl
expect 1 "$reel" diff same.jsonl shorter.jsonl
holds out '1 steps only a has, the first is 4'
expect 1 "$reel" diff same.jsonl shorter.jsonl --quiet
[ ! -s out ] || fail 'text in spite of --quiet'

# ---- diff: runs ----
train one --optimizer adam --epochs 20 --every 5 --keep all
train two --optimizer adam --epochs 20 --every 5 --keep all
expect 0 "$reel" diff one two
holds out 'all 5 of the same steps hold the same state'
train three_lr --optimizer adam --epochs 20 --every 5 --keep all --resume one/step-000000010.json --lr 0.01
expect 1 "$reel" diff one three_lr
holds out 'step 11 is the first that differs'
holds out 'step 10 is the first in both whose state differs, after' # where the other rate was asked for
holds out 'hypers/lr  *0.05  *0.01'
rm three_lr/step-000000010.json
expect 1 "$reel" diff one three_lr --json runs.json
holds out 'step 15 is the first in both whose state differs, after'
holds runs.json '"first_tensor":	"parameters/values/net.0.weight"'
# The hashes of every step tell the first tensor at its very step, whatever the checkpoints.
holds out 'hashes: step 11 is the first that differs, after 10 that are the same, and net.0.weight the first tensor: it differs after the update, from the same gradients'
expect 0 "$reel" diff one two --json hashes.json
holds out 'hashes: 20 steps in both, every gradient and parameter the same'
holds hashes.json '"common":	20,'
cp two/hashes.jsonl kept.jsonl
# The seventh step's third parameter, and in another try its first gradient.
sed -E '8s/("parameters": \["[^"]*", "[^"]*", ")[0-9a-f]/\1x/' kept.jsonl >two/hashes.jsonl
expect 1 "$reel" diff one two --json hashes.json
holds out 'hashes: step 7 is the first that differs, after 6 that are the same, and net.1.weight the first tensor'
holds hashes.json '"first_tensor":	"net.1.weight"'
holds hashes.json '"first_kind":	"parameters"'
sed -E '8s/("gradients": \[")[0-9a-f]/\1x/' kept.jsonl >two/hashes.jsonl
expect 1 "$reel" diff one two
holds out 'step 7 is the first that differs, after 6 that are the same, and net.0.weight the first tensor: its gradient differs'
grep -v '"step": 3,' kept.jsonl >two/hashes.jsonl # other steps in each
printf '{"step": 21, "gra' >>two/hashes.jsonl        # and a line that is being written
expect 0 "$reel" diff one two
holds out 'hashes: 19 steps in both, every gradient and parameter the same (other steps have hashes in one of them only)'
echo '{"parameters": ["a"], "buffers": []}' >two/hashes.jsonl
expect 0 "$reel" diff one two
holds out 'hashes: of other tensors in a than in b'
echo 'rubbish' >>kept.jsonl
echo 'other rubbish' >kept.2
cat kept.jsonl kept.2 >two/hashes.jsonl
echo 'more' >>one/hashes.jsonl
expect 2 "$reel" diff one two
holds err 'found a line without a step'
rm two/hashes.jsonl
expect 0 "$reel" diff one two
holds out 'hashes: none in b: a run with --hashes 1'
cp one/step-000000005.json two/step-000000005.json
head -c 900 one/step-000000010.json >two/step-000000010.json
expect 2 "$reel" diff one two # a damaged checkpoint is trouble, and passed over
holds err 'step-000000010.json'
holds out 'all 4 of the same steps'

# ---- diff: checkpoints ----
values() {
    "$reel" inspect "$1" --values "$2" | tr ' ' '\n' | grep .
}
number() { # of the first object with this name: NAME MEMBER FILE
    sed -n "/\"name\":	\"$1\"/,/}/p" "$3" | sed -n "s/.*\"$2\":	\([^,]*\).*/\1/p" | head -n 1
}
train exact --optimizer adam --epochs 20 --every 5 --keep all --precision double
a=exact/step-000000010.json
b=exact/step-000000015.json
expect 1 "$reel" diff $a $b --json pair.json
values $a net.0.weight >from
values $b net.0.weight >to
values $a state/optimizer/state/mean/values/net.0.weight >moment
paste from to moment | awk '{ d = $2 - $1; c += d * d; a += $1 * $1; m += $3 * $3; p -= d * $3 }
    END { printf "%.17g %.17g %.17g\n", sqrt(c), sqrt(c / a), p / sqrt(c * m) }' >expected
echo "$(number net.0.weight change pair.json) $(number net.0.weight share pair.json)" \
    "$(number net.0.weight cosine_negative_moment pair.json)" >told
paste expected told | awk 'NF != 6 { exit 1 } { for (i = 1; i < 4; i++) {
    e = $i - $(i + 3); if (e < 0) e = -e; if (!(e < 1e-12)) exit 1 } }' || {
    fail "norm, share or cosine of a change: $(cat expected told)"
}
holds out 'trainer/step  *10  *15'
# The ten largest, by hand.
for name in net.0.weight net.0.bias net.1.weight net.1.bias; do
    values $a $name >from
    values $b $name >to
    paste from to | awk -v name=$name '{ d = $2 - $1; if (d < 0) d = -d; printf "%s %s %s %.17g\n", name, $1, $2, d }'
done | sort -g -r -k 4 | head -n 10 | cut -d ' ' -f 1-3 >largest
sed -n '/^largest changes/,/^$/p' out | sed '1d; /^$/d; s/([0-9, ]*)//' | awk '{ print $1, $2, $3 }' >told
cmp -s largest told || fail "the ten largest changes: $(cat largest)"

# The gradient, where the file holds one: that of one number, so the cosine is 1 or -1.
sed 's/"parameters": {$/"parameters": {"gradient": {"net.1.bias": {"dtype": "float64", "shape": [1], "data": [2.0]}},/' $a >with.json
expect 1 "$reel" diff with.json $b --json with_pair.json
values $a net.1.bias >from
values $b net.1.bias >to
sign=$(paste from to | awk '{ print ($2 > $1 ? -1 : 1) }')
[ "$(number net.1.bias cosine_negative_gradient with_pair.json)" = "$sign" ] || fail 'cosine with the negative gradient'

# Computed again: plain descent on all points goes exactly there.
train down --optimizer sgd --epochs 11 --every 1 --keep all --precision double
expect 1 "$reel" diff down/step-000000010.json down/step-000000011.json --json down.json
holds out 'gradient: that of all points where a stands, computed again'
for name in net.0.weight net.0.bias net.1.weight net.1.bias; do
    number $name cosine_negative_gradient down.json | awk '{ if (!($1 > 1 - 1e-9)) exit 1; n++ } END { exit n != 1 }' ||
        fail "the cosine of a step of descent with its gradient, $name"
done
# That of the last step, where it was saved: in the step after it, the change is another one.
train saved --optimizer sgd --epochs 11 --every 1 --keep all --save-gradient 1
expect 1 "$reel" diff saved/step-000000010.json saved/step-000000011.json --json saved.json
holds out 'gradient: that of the last step before a, which a holds'
number net.0.weight cosine_negative_gradient saved.json | awk '{ if (!($1 > 0 && $1 < 1 - 1e-9)) exit 1 }' ||
    fail 'the cosine with the gradient of the step before'
# Of another program neither can be had: the command says what would help.
sed 's/"recipe": *"[^"]*", *//; s/"activation": "relu"/"activation": "tanh"/' down/step-000000010.json >foreign.json
expect 1 "$reel" diff foreign.json down/step-000000011.json
holds out 'gradient: a holds none (a training with --save-gradient 1, .* it cannot be computed again: it holds no recipe'

a=one/step-000000010.json
expect 0 "$reel" diff $a $a
holds out 'the same, bit for bit'
sed 's/"lr": 0.05/"lr": 0.5/' $a >edited.json
expect 1 "$reel" diff $a edited.json
holds out 'hash wrong'
holds out 'hypers/lr  *0.05  *0.5'
sed 's/"compiler": "[^"]*"/"compiler": "another 1.0"/' $a >elsewhere.json
expect 0 "$reel" diff $a elsewhere.json # what wrote it is told and does not count
holds out '^  compiler .*another 1.0'
train small --optimizer adam --epochs 10 --hidden 6 --keep all
expect 1 "$reel" diff $a small/step-000000010.json
holds out 'parameters/values/net.0.weight  *\[8,2\] float32  *\[6,2\] float32'
holds out 'model/sizes  *\[2,8,1\]  *\[2,6,1\]'
train deep --optimizer adam --epochs 10 --hidden 8,8 --keep all
expect 1 "$reel" diff $a deep/step-000000010.json
holds out 'net.2.weight  *none  *\[1,8\] float32'

wrong 2 'expected A B, found 1' diff one
wrong 2 'takes A B, found c as well' diff a b c
wrong 2 'is a checkpoint and one is a folder' diff $a one
wrong 2 'missing: cannot be read' diff one missing
wrong 2 'holds 3 runs' diff one three
wrong 2 'step-000000010.json: line' diff $a two/step-000000010.json
wrong 2 'did you mean --json' diff one two --jsn x
if [ -e /dev/full ]; then
    "$reel" diff one three_lr >/dev/full 2>err
    [ $? -eq 2 ] || fail 'a full standard output was not noticed'
fi

finish
