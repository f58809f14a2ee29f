#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The programs of README.md compile without a warning against the public headers, run, and print what README says; its
# NumPy lines read a checkpoint.
#
# usage: check_readme.sh README INCLUDE LIBRARY_FOLDER CHECKPOINT COMPILER...
set -eu
readme=$1 include=$2 library=$3 checkpoint=$4
shift 4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# block N LANGUAGE: the N-th fenced block of a language
block() {
    awk -v n="$1" -v language="$2" '
        $0 == "```" language { count++; inside = count == n; next }
        $0 == "```" { inside = 0 }
        inside' "$readme"
}

for n in 1 2; do
    block "$n" c >"$work/program$n.c"
    [ -s "$work/program$n.c" ] || { echo "README has no C program number $n"; exit 1; }
    "$@" -std=c11 -Wall -Wextra -Werror -I"$include" "$work/program$n.c" -o "$work/program$n" -L"$library" -lreel \
        -Wl,-rpath,"$library"
    "$work/program$n" >"$work/output$n"
    [ -s "$work/output$n" ] || { echo "program $n of README prints nothing"; exit 1; }
    while IFS= read -r line; do
        grep -qxF "    $line" "$readme" || { echo "program $n of README prints \"$line\", which README does not show"; exit 1; }
    done <"$work/output$n"
done

if python3 -c 'import numpy' 2>/dev/null; then
    block 1 python | sed "s|\"step-000000200.json\"|\"$checkpoint\"|" >"$work/read.py"
    echo 'assert parameters["net.0.weight"].shape == (3, 2) and parameters["net.0.weight"].dtype == numpy.float32
assert abs(parameters["net.0.weight"]).sum() > 0' >>"$work/read.py"
    python3 "$work/read.py"
    echo "README: two programs and the NumPy lines are right"
else
    echo "README: two programs are right; NumPy is not here, its lines were not tried"
fi
