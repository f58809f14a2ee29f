#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_fit.sh REEL
#
# `reel fit` as people meet it: what it writes, going on after a signal, wrong images and wrong usage.
reel=$(realpath "$1") || exit 1
# shellcheck source=tests/command_checks.sh
. "$(dirname "$0")/command_checks.sh"

# number FILE KEY: a number at the top of a JSON file
number() {
    sed -n "s/^[[:space:]]*\"$2\":[[:space:]]*\\([-0-9.e]*\\),*\$/\\1/p" "$1" | tail -1
}

# above A B: A > B
above() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }' || fail "$1 is not above $2"
}

# ---- help ----
expect 0 "$reel" fit --help
cp out help
for flag in gaussians blending cutoff blend-eps scale-form train least-scale most-scale start-scale start precision loss \
    ssim-window iterations out json quiet optimizer schedule clip-norm seed checkpoint-dir every keep resume force; do
    holds help "^  --$flag\b"
done
holds help '^example: reel fit'
holds help 'landscape'

# ---- what is written ----
expect 0 "$reel" fit test:portrait:40x32 --gaussians 30 --iterations 80 --every 20 --out whole --json whole.json
holds err '80 of 80 .*PSNR .* dB  SSIM'
holds out '^loss .* PSNR .* dB  SSIM'
for file in rendering error ellipses; do
    is_png "whole/$file.png"
done
[ -s whole/losses.dat ] || fail "no losses.dat"
cmp -s whole.json whole/fit.json || fail "--json and fit.json differ"
above "$(number whole.json psnr)" 20
above "$(number whole.json ssim)" 0.6
holds whole.json '"steps":[[:space:]]*80'

# The rendering fits itself.
expect 0 "$reel" fit whole/rendering.png --gaussians 30 --iterations 0 --quiet
[ ! -s err ] || fail "--quiet is not quiet"

# ---- going on ----
expect 0 "$reel" fit test:portrait:40x32 --gaussians 30 --iterations 33 --every 20 --out parts --quiet
expect 0 "$reel" fit --resume --out parts --iterations 80 --json parts.json --quiet
cmp -s whole/rendering.png parts/rendering.png || fail "the resumed rendering differs"
for key in final_loss psnr ssim best_loss; do
    [ "$(number whole.json $key)" = "$(number parts.json $key)" ] || fail "$key differs after a resume"
done
sed -n '/"loss"/,/"final_loss"/p' whole.json >whole.losses
sed -n '/"loss"/,/"final_loss"/p' parts.json >parts.losses
[ "$(wc -c <whole.losses)" -gt 1000 ] || fail "no losses in the JSON file"
cmp -s whole.losses parts.losses || fail "losses differ after a resume"

"$reel" fit test:portrait:40x32 --gaussians 30 --iterations 3000 --every 20 --keep 0 --out stopped --quiet >out 2>err &
run=$!
for _ in $(seq 600); do
    [ -e stopped/checkpoints/step-000000040.json ] && break
    sleep 0.1
done
kill -INT $run
wait $run
found=$?
if [ $found -eq 130 ]; then
    holds err 'stopped by signal 2'
else
    [ $found -eq 0 ] || fail "status $found after SIGINT"
fi
expect 0 "$reel" fit --resume=stopped/checkpoints/step-000000040.json --iterations 80 --checkpoint-dir again --json again.json \
    --quiet
[ "$(number whole.json final_loss)" = "$(number again.json final_loss)" ] || fail "the run goes on differently"

# ---- the commands that measure a model ----
expect 0 "$reel" diagnose again
holds out '^step 80, 1 images: loss'
expect 0 "$reel" lr-find fit test:portrait:24x24 --gaussians 20
holds out '^suggestion'

# ---- every kind of model ----
for kind in '--blending normalised --cutoff 3.5 --train position,scale,colour' '--blending additive --train all' \
    '--scale-form log --cutoff none --start random' '--precision double --loss 0.2*l1+0.8*l2+0.1*ssim --ssim-window uniform' \
    '--optimizer sgd --lr 1 --schedule cosine --clip-norm 1' '--optimizer momentum --lr 0.1'; do
    # shellcheck disable=SC2086
    expect 0 "$reel" fit test:landscape:24x24 --gaussians 20 --iterations 5 --quiet --json kind.json $kind
    first=$(sed -n '/"loss":/,/]/s/.*\[\[*0, \([0-9.e-]*\)\].*/\1/p' kind.json | head -1)
    above "${first:-0}" "$(number kind.json final_loss)"
done

# ---- what is wrong ----
printf 'no image at all' >text.png
head -c 300 whole/rendering.png >half.png
wrong 1 'nowhere.png: there is no such file' fit nowhere.png
wrong 1 'text.png is no image: expected a PNG or JPEG file' fit text.png
wrong 1 'half.png is a damaged PNG file: it ends too early' fit half.png
wrong 1 'there is no test image "nothing"' fit test:nothing
wrong 1 'expected a size' fit test:text:0x9
wrong 1 'needs an image of at least 11 x 11' fit test:text:8x8 --loss ssim
wrong 2 'an image is missing' fit --gaussians 3
wrong 2 '--gaussians: found 0' fit test:text --gaussians 0
wrong 2 '--cutoff: found "x"' fit test:text --cutoff x
wrong 2 '--loss: found "l2+l2"' fit test:text --loss l2+l2
wrong 2 '--train: found "colors"' fit test:text --train position,colors
wrong 2 '--least-scale is above --most-scale' fit test:text --least-scale 0.6
wrong 1 'holds a run up to step 80' fit test:portrait:40x32 --out whole
wrong 1 'these are not the data of the run' fit test:text:40x32 --quiet --resume=whole/checkpoints
expect 0 "$reel" train two-moons --epochs 2 --checkpoint-dir moons --quiet
wrong 1 'is a checkpoint of another model' fit test:text --resume=moons
expect 0 "$reel" fit test:baseline1:9x9 --gaussians 1 --iterations 0 --quiet --out one
# An image of one colour: the rendering of one Gaussian that covers everything.
expect 0 "$reel" fit test:baseline1:9x9 --gaussians 1 --iterations 0 --quiet --blending normalised --cutoff none \
    --start-scale 5 --out flat
wrong 1 'has one colour only' fit flat/rendering.png

finish
