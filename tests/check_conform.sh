#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check_conform.sh CONFORM REFERENCE: does conform notice what it should, and end with the right status?
conform=$1
reference=$2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# expect STATUS TEXT ARGUMENTS...: what it prints holds TEXT.
expect() {
    status=$1
    text=$2
    shift 2
    "$conform" "$@" >"$folder/out" 2>&1
    found=$?
    if [ "$found" -ne "$status" ] || ! grep -qF -e "$text" "$folder/out"; then
        echo "conform $*: status $found, expected $status and \"$text\" in:"
        head -n 5 "$folder/out"
        failed=1
    fi
}

# One case in a file: one_case FILE OPERATION CHANGE (a sed command).
one_case() {
    { sed -n 1p "$reference/torch/$1"; grep -F "\"op\": \"$2\"" "$reference/torch/$1" | sed -n '1s/,$//p'; echo ']}'; } |
        sed "$3" >"$folder/case.json"
}

expect 0 '380 passed, 0 failed, 0 not covered' "$reference/torch/ops.json"
one_case ops.json tanh ''
expect 0 '1 passed, 0 failed' "$folder/case.json"
one_case ops.json tanh 's/\("output": {"shape": [^]]*], "data": \[[^,]*\)/\1e1/'
expect 1 'failed: tanh' "$folder/case.json"
one_case ops.json tanh 's/\("grad": {"x": {"shape": [^]]*], "data": \[[^,]*\)/\1e1/'
expect 1 'gradient of x[0]: found' "$folder/case.json"
one_case ops.json tanh 's/"output": {"shape": \[/&1, /'
expect 1 'output: found rank' "$folder/case.json"
one_case ops.json tanh 's/"op": "tanh"/"op": "tangent"/'
expect 0 'not covered: tanh: ordinary: there is no operation tangent' "$folder/case.json"
expect 1 '0 passed, 0 failed, 1 not covered' --complete "$folder/case.json"
one_case ops.json tanh 's/"params": {/"params": {"twist": 2/'
expect 0 'parameter twist is not understood' "$folder/case.json"
one_case ops.json tanh 's/"inputs": {"x": {"shape": \[/&7, /'
expect 0 'the data of x do not fit its shape' "$folder/case.json"
one_case ops.json conv2d 's/"inputs": {"x": {"shape": \[1, 1, 4, 4\]/"inputs": {"x": {"shape": [1, 1, 2, 8]/'
expect 1 'conv2d: the kernel of (1,1,3,3) is larger than the padded image of (1,1,2,8)' "$folder/case.json"
one_case nets.json train 's/"momentum": 0.9/"momentum": 0.91/'
expect 1 'failed: mlp tanh' "$folder/case.json"
one_case nets.json train 's/"tanh"/"tangent"/'
expect 0 'there is no layer tangent' "$folder/case.json"
sed 's/"seeds": {"0"/"seeds": {"1"/' "$reference/rng/numpy.json" >"$folder/case.json"
expect 1 'failed: seed 1' "$folder/case.json"

expect 2 'No such file or directory' "$folder/none.json"
echo '{"schema": 1, ' >"$folder/case.json"
expect 2 'this is not JSON' "$folder/case.json"
echo '{"schema": 1, "family": "soups", "cases": []}' >"$folder/case.json"
expect 2 'found family "soups", expected' "$folder/case.json"
expect 2 'usage: conform'
expect 2 'found --loud, expected' --loud "$reference/torch/ops.json"
exit $failed
