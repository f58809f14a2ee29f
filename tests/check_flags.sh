#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What wins, a flag or the checkpoint, what a resume tells, and the flags of a program of one's own:
# check_flags.sh REEL PROGRAM USER_EXTENSION
reel=$(realpath "$1") program=$(realpath "$2") extension=$(realpath "$3")
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/command_checks.sh"

# train STATUS FLAG...
train() {
    wanted=$1
    shift
    expect "$wanted" "$reel" train two-moons --checkpoint-dir run "$@"
}

# ---- reel train two-moons ----
train 0 --epochs 30 --batch 50 --seed 7 --optimizer adamw --lr 0.01 --clip-norm 0.5 --schedule cosine
# Without flags everything is the checkpoint's, and there is nothing left to do.
train 0 --resume auto --json same.json
holds err 'resumed at step 120'
holds err 'data hash unchanged'
lacks err '->'
holds err 'lr 0.01 kept (the program has 0.05)'
lacks same.json '"resume"'
holds same.json '"epochs":	30'
holds same.json '"seed":	7'
# Flags win, and are told.
train 0 --resume auto --epochs 40 --lr 0.02 --clip-norm 2 --json changed.json
holds err 'lr 0.01 -> 0.02 (flag)'
holds err 'clip_norm 0.5 -> 2 (flag)'
holds err 'epochs 30 -> 40'
holds err 'schedule cosine now ends after 160 updates instead of 120: the next one has the rate'
lacks err 'weight_decay'
holds changed.json '"text":	"lr 0.01 -> 0.02 (flag)"'
holds changed.json '"kind":	"asked"'
train 0 --resume auto --epochs 44 --schedule linear:1:0.5 --schedule-origin here --reset-moments
holds err 'schedule cosine -> linear:1:0.5 (flag) from here on: the next update has the rate 0.02'
holds err 'moments forgotten, the count of steps stays 160'
train 0 --resume auto --epochs 45 --reset-moments=steps --schedule none
holds err 'and the count of steps, which was 176 (flag)'
holds err 'schedule linear:1:0.5 -> none (flag)'
train 0 --resume auto --epochs 46 --optimizer sgd --prove 7
holds err 'optimizer adamw -> sgd (allowed): its moments start fresh'
holds out '^proved: 7 steps after step 184 are bit for bit those of the run$'
# Another model is refused, other data too, unless forced.
train 1 --resume auto --quiet --hidden 6,5
holds err 'expected \[2,6,5,1\]\|found \[2,8,1\]'
train 1 --resume auto --quiet --data-seed 3
holds err 'these are not the data of the run'
train 0 --resume auto --epochs 47 --data-seed 3 --force
holds err 'data hash .* -> .* (allowed)'
train 1 --resume auto --quiet --seed 8
holds err 'seed'
expect 0 "$reel" train two-moons --help
for flag in schedule-origin reset-moments prove; do holds out "--$flag"; done
tr -s ' \n' ' ' <out >flat
holds flat 'Flags that are given win over the checkpoint'

# ---- a program of one's own ----
expect 0 "$program" --help
for flag in spread hidden resume force lr optimizer beta1 schedule epochs batch checkpoint-dir every seed threads prove \
    reset-moments schedule-origin keep clip-norm; do
    holds out "--$flag"
done
holds out 'default 0.15'
lacks out 'default nan'
[ ! -s err ] || fail 'help on standard error'
expect 2 "$program" --lrr 1
holds err 'did you mean --lr?'
expect 2 "$program" --epochs x
holds err '--epochs: found "x", expected'
expect 2 "$program" --spread 11
holds err '--spread: found 11, expected from 0 to 10'
expect 2 "$program" --resume
holds err 'needs --checkpoint-dir'
expect 2 "$program" FILE
holds err 'takes flags only'
expect 1 "$program" --optimizer sgd --beta1 0.5
holds err 'sgd has no such hyper-parameter'
expect 0 "$program" --checkpoint-dir ball --optimizer momentum --epochs 10 # sgd at the program's rate
holds ball/step-000000040.json '"lr": 0.5,'
expect 1 "$program" --resume=missing.json
holds err 'there is no such file'
expect 0 "$program" --checkpoint-dir own --optimizer adam --lr 0.03 --epochs 20 --hidden 5 --seed 3 --threads 2
expect 1 "$program" --checkpoint-dir own --hidden 5
holds err 'holds a run up to step 80'
expect 0 "$program" --checkpoint-dir own --hidden 5 --resume
holds err 'resumed at step 80'
lacks err '->'
expect 0 "$program" --checkpoint-dir own --hidden 5 --resume --epochs 25 --beta1 0.8 --prove 4 --threads 1
holds err 'beta1 0.9 -> 0.8 (flag)'
holds err 'epochs 20 -> 25 (flag)'
holds err 'proved: 4 steps after step 100'
expect 1 "$program" --checkpoint-dir own --resume --epochs 26
holds err 'found \[2,5,1\]'
expect 1 "$program" --checkpoint-dir own --resume --hidden 5 --spread 0.3 --epochs 26
holds err 'these are not the data of the run'
expect 0 "$program" --checkpoint-dir own --resume --hidden 5 --spread 0.3 --epochs 26 --force
holds err '(allowed)'
expect 0 "$program" --checkpoint-dir own --hidden 4 --force --epochs 9
lacks err 'resumed'

# ---- an operation, a loss, an optimizer and a schedule of one's own ----
expect 0 "$extension" --help
for flag in beta lr; do holds out "--$flag"; done
holds out '^--optimizer sign: x -= lr sign(m)'
holds out '^  inverse:k '
expect 0 "$extension" --schedule inverse:0.2 --checkpoint-dir whole --epochs 30 --prove 5
holds out '^0 derivatives wrong, loss 0\.'
holds err 'proved: 5 steps after step 90'
cp out whole.txt
expect 0 "$extension" --schedule inverse:0.2 --checkpoint-dir parts --epochs 13
expect 0 "$extension" --checkpoint-dir parts --resume --epochs 30 --threads 1
holds err 'resumed at step 39'
cmp -s out whole.txt || fail "resumed: $(cat out), in one go: $(cat whole.txt)"
cmp -s parts/log.jsonl whole/log.jsonl || fail 'the logs differ'
expect 0 "$extension" --checkpoint-dir parts --resume --epochs 31 --beta 0.8 --schedule inverse:0.4*constant:0.9 --schedule-origin start
holds err 'beta 0.9 -> 0.8 (flag)'
expect 2 "$extension" --schedule
expect 1 "$extension" --schedule invers
holds err 'no schedule "invers".*inverse'
expect 0 "$extension" --optimizer adam --lr 0.01 --epochs 2
expect 0 "$extension" --optimizer momentum --epochs 2 --checkpoint-dir other
holds other/step-000000006.json '"kind": "sgd"'
holds other/step-000000006.json '"momentum": 0.9,'

finish
