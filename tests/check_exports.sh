#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_exports.sh list|update LIBRARY LIST
#        check_exports.sh declared LIBRARY INCLUDE-FOLDER COMPILER...
#
# list: what the shared library exports is the list of names; update: writes the list anew. declared: the public headers
# declare exactly what is exported, so that nothing is promised and missing, or there unannounced.
set -eu
LC_ALL=C
export LC_ALL

action=$1
library=$2
shift 2

here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
nm -D --defined-only "$library" | awk '{ print $NF }' | sort >"$here/exported"

if grep -v '^reel_' "$here/exported"; then
    echo 'exported, and not called reel_...: see above. Mark only public functions REEL_API.'
    exit 1
fi

case $action in
    update) cp "$here/exported" "$1" ;;
    list)
        if ! diff -u "$1" "$here/exported" >"$here/difference"; then
            sed -n '/^[+-]reel_/p' "$here/difference"
            echo '+ is exported and not in tests/exported_symbols.txt, - is in the list and not exported.'
            echo 'Where that is what you want: ninja -C BUILD-FOLDER update-exported-symbols'
            exit 1
        fi
        ;;
    declared)
        include=$1
        shift
        # The declarations as the compiler sees them, one a line.
        echo '#include <reel/reel.h>' | "$@" -E -P -DREEL_NO_SITE_MACROS "-I$include" -x c - | tr '\n' ' ' |
            tr ';' '\n' | sed -n 's/.*__attribute__((visibility("default")))[^(]*[ *]\(reel_[a-z0-9_]*\)(.*/\1/p' |
            sort >"$here/declared"
        if ! diff -u "$here/exported" "$here/declared" >"$here/difference"; then
            sed -n '/^[+-]reel_/p' "$here/difference"
            echo '+ is declared in include/reel and not in the library, - is exported and not declared.'
            exit 1
        fi
        ;;
esac
