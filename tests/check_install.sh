#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: check_install.sh MESON BUILD SOURCE PROGRAM.c CC...
#
# Installs a build into an empty folder and builds a user's program outside the tree with nothing but what was
# installed: through pkg-config with the shared library and with the static one, then as a meson project that has Reel
# as a subproject. Each program has to run with status 0. Environment: REEL_COMMAND, the name of the installed command or
# empty; REEL_DEBUG, true for a build with debug information.
set -eu

meson=$1
build=$2
source=$3
program=$4
shift 4

here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
log=$here/log

step() {
    printf '%s\n' "$*"
}

# try COMMAND...: quietly; its output and an end with status 1 when it fails.
try() {
    if ! "$@" >"$log" 2>&1; then
        printf 'failed: %s\n' "$*" >&2
        cat "$log" >&2
        exit 1
    fi
}

# The libraries a program asks for at run time.
needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

step 'install'
mkdir "$here/dest" "$here/run"
try env DESTDIR="$here/dest" "$meson" install -C "$build" --no-rebuild
pc=$(find "$here/dest" -name reel.pc)
[ -n "$pc" ] || { step 'no reel.pc was installed'; exit 1; }
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir reel)
headers=$(pkg-config --variable=includedir reel)

step 'every header of include/reel is installed and part of reel.h, and nothing else is'
(cd "$source/include" && find reel -name '*.h' | LC_ALL=C sort) >"$here/expected"
(cd "$headers" && find . -type f | sed 's|^\./||' | LC_ALL=C sort) >"$here/found"
if ! diff "$here/expected" "$here/found"; then
    step '< stands in include/reel and is not installed (include/reel/meson.build lists them), > the other way round'
    exit 1
fi
(cd "$source/include" && sed -n 's/^#include <\(reel\/.*\)>.*/\1/p' reel/reel.h && echo reel/reel.h) | LC_ALL=C sort >"$here/found"
if ! diff "$here/expected" "$here/found"; then
    step '< stands in include/reel and is not included by reel.h, > the other way round'
    exit 1
fi

# Debug information names the sources where they lie, so that debuggers find them.
if [ "$REEL_DEBUG" = false ]; then
    step 'no path of this machine is in what was installed'
    if grep -r -l -F -e "$source" -e "$build" "$here/dest"; then
        exit 1
    fi
fi

cd "$here/run"
step 'shared library through pkg-config'
# pkg-config gives words.
# shellcheck disable=SC2046
try "$@" -std=c11 -pedantic -Wall -Wextra -Werror -o "$here/shared" "$program" $(pkg-config --cflags --libs reel)
needed "$here/shared" | grep -q '^libreel\.so' || { step 'the program does not use the shared library'; exit 1; }
try env LD_LIBRARY_PATH="$libraries" "$here/shared"

step 'static library through pkg-config'
mkdir "$here/aside"
mv "$libraries"/libreel.so* "$here/aside"
# shellcheck disable=SC2046
try "$@" -std=c11 -pedantic -Wall -Wextra -Werror -o "$here/static" "$program" $(pkg-config --static --cflags --libs reel)
if needed "$here/static" | grep '^libreel'; then
    exit 1
fi
try "$here/static"
mv "$here/aside"/libreel.so* "$libraries"

if [ -n "$REEL_COMMAND" ]; then
    step 'the command'
    command=$(find "$here/dest" -path "*/bin/$REEL_COMMAND")
    try env LD_LIBRARY_PATH="$libraries" "$command" --version
    grep -q -F "$(pkg-config --modversion reel)" "$log"
fi

step 'subproject of meson'
mkdir -p "$here/project/subprojects"
ln -s "$source" "$here/project/subprojects/reel"
cp "$program" "$here/project/program.c"
cat >"$here/project/meson.build" <<'END'
project('user', 'c', default_options: ['c_std=c11', 'warning_level=3', 'werror=true'])
executable('program', 'program.c', dependencies: dependency('reel'), install: true)
END
CC=$*
export CC
try "$meson" setup "$here/project/build" "$here/project" --buildtype=plain --force-fallback-for=reel \
    --prefix="$here/program"
try "$meson" compile -C "$here/project/build"
try "$meson" install -C "$here/project/build" --no-rebuild
try "$here/program/bin/program"
find "$here/program" -type f >"$here/found"
if [ "$(cat "$here/found")" != "$here/program/bin/program" ]; then
    step 'the subproject installs something of its own:'
    cat "$here/found"
    exit 1
fi
if "$meson" introspect "$here/project/build" --targets | grep -q "subprojects/reel/\(tests\|tools\)/"; then
    step 'the subproject builds tests or tools'
    exit 1
fi
