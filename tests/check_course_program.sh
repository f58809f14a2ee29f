#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_course_program.sh PROGRAM SOURCE
#
# A program of the course ends well and prints last what its source says: " * Its last line: TEXT".
set -u
expected=$(sed -n 's/^ \* Its last line: //p' "$2")
[ -n "$expected" ] || {
    echo "FAILED: $2 does not say what its last line is"
    exit 1
}
found=$("$1") || {
    echo "FAILED: $1 ended with status $?"
    exit 1
}
found=$(printf '%s\n' "$found" | tail -n 1)
[ "$found" = "$expected" ] || {
    printf 'FAILED: expected "%s"\n        found    "%s"\n' "$expected" "$found"
    exit 1
}
