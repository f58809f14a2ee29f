#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_headers.sh INCLUDE-FOLDER LANGUAGE STANDARD COMPILER...
#
# Compiles reel.h and each header it includes alone, twice in a row, with and without the macros for call sites, all
# warnings errors.
set -eu

include=$1
language=$2
standard=$3
shift 3

failed=0
count=0
for name in reel/reel.h $(sed -n 's/^#include <\(reel\/.*\)>.*/\1/p' "$include/reel/reel.h"); do
    for macros in -UREEL_NO_SITE_MACROS -DREEL_NO_SITE_MACROS; do
        count=$((count + 1))
        printf '#include <%s>\n#include <%s>\nint reel_header_alone;\n' "$name" "$name" |
            "$@" "-std=$standard" -pedantic -Wall -Wextra -Werror -fsyntax-only "$macros" "-I$include" -x "$language" - || {
            printf '%s does not stand alone as %s with %s\n' "$name" "$standard" "$macros"
            failed=1
        }
    done
done
printf '%d compiled\n' "$count"
[ $failed -eq 0 ] && [ $count -gt 2 ]
