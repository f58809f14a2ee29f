#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The programs of README.md compile without a warning against the public headers, run, and print what README says; its
# NumPy lines read a checkpoint; its commands run one after the other in an empty folder, but for those that take minutes.
#
# usage: check_readme.sh README INCLUDE LIBRARY_FOLDER CHECKPOINT DATASETS REEL COMPILER...
# REEL: the command, or - where it is not built.
set -eu
readme=$(realpath "$1") include=$2 library=$3 checkpoint=$4 datasets=$5 reel=$6
shift 6
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

# The lines that call reel, continued ones joined, without their comments.
commands() {
    sed -e ':a' -e '/^    .*\\$/{N;s/ *\\\n */ /;ba' -e '}' "$readme" | sed -n 's/^    build\/tools\/reel //p' | sed 's/  *# .*//'
}

minutes='^study.*--full\|^train.*--epochs 100000\|^diagnose --self-test\|^course all\|^bench'
if [ "$reel" != - ]; then
    cd "$work"
    mkdir here
    cd here
    ln -s "$datasets" datasets
    commands | grep -v "$minutes" >../commands
    while read -r line; do
        expected=0
        case $line in diff*) expected=1 ;; esac
        found=0
        eval "'$reel' $line" >../out 2>&1 </dev/null || found=$?
        case $line in diagnose*) [ $found -ne 3 ] || found=0 ;; esac # it has found something
        [ "$found" -eq "$expected" ] || {
            echo "reel $line: status $found, expected $expected"
            tail -n 3 ../out
            exit 1
        }
    done <../commands
    [ "$(wc -l <../commands)" -gt 30 ] || { echo "only these commands were found:"; cat ../commands; exit 1; }
    echo "README: $(wc -l <../commands) commands are right"
fi

if python3 -c 'import numpy' 2>/dev/null; then
    block 1 python | sed "s|\"step-000000200.json\"|\"$checkpoint\"|" >"$work/read.py"
    echo 'assert parameters["net.0.weight"].shape == (3, 2) and parameters["net.0.weight"].dtype == numpy.float32
assert abs(parameters["net.0.weight"]).sum() > 0' >>"$work/read.py"
    python3 "$work/read.py"
    echo "README: two programs and the NumPy lines are right"
else
    echo "README: two programs are right; NumPy is not here, its lines were not tried"
fi
