# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: MIT
#
# What the tests of the command share; they set $reel and source this. It goes to an empty folder, $here, which is removed
# in the end: a test that sets a trap of its own calls clean_up in it.
set -u
here=$(mktemp -d) || exit 1
clean_up() {
    rm -rf "$here"
}
trap clean_up EXIT
cd "$here" || exit 1
failures=0

fail() {
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    /' out err 2>/dev/null | head -n 40
    failures=$((failures + 1))
}

# The end of a test: exit status 1 when something failed.
finish() {
    [ $failures -eq 0 ] || {
        echo "$failures failed"
        exit 1
    }
    echo 'all as expected'
}

# expect STATUS COMMAND...: runs it, output in out and err.
expect() {
    expected_status=$1
    shift
    "$@" >out 2>err
    found=$?
    [ $found -eq "$expected_status" ] || fail "status $found, expected $expected_status: $*"
}

# wrong STATUS PATTERN ARGUMENT...: reel writes one line to standard error that holds the pattern, and nothing else.
wrong() {
    wrong_status=$1
    wrong_pattern=$2
    shift 2
    expect "$wrong_status" "$reel" "$@"
    [ ! -s out ] || fail "something on standard output: $*"
    [ "$(wc -l <err)" -eq 1 ] || fail "not one line: $*"
    grep -q -e "$wrong_pattern" err || fail "no \"$wrong_pattern\": $*"
}

# holds FILE PATTERN, lacks FILE PATTERN; and the same with a text to be found as it stands.
holds() {
    grep -q -e "$2" "$1" || fail "$1 does not hold \"$2\""
}
lacks() {
    if grep -q -e "$2" "$1"; then fail "$1 holds \"$2\""; fi
}
holds_text() {
    grep -q -F -e "$2" "$1" || fail "$1 does not hold \"$2\""
}
lacks_text() {
    if grep -q -F -e "$2" "$1"; then fail "$1 holds \"$2\""; fi
}

is_png() {
    [ "$(od -An -c -N 4 "$1" | tr -d ' ')" = '211PNG' ] || fail "$1 is no PNG"
}
