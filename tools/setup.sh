# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What tools/demo, tools/test and tools/bench-peers share; they read this file from the top folder of Reel. It finds out by trying what is
# missing, installs it where that takes no password, and keeps the build folders in order.

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Does CC make a program that runs, with the further flags given?
compiles() {
    compiles_in=$(mktemp -d) || return 1
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$compiles_in/try.c"
    compiles_status=0
    # CC may be a command with flags, so it is split on purpose.
    # shellcheck disable=SC2086
    ${CC:-cc} "$@" -o "$compiles_in/try" "$compiles_in/try.c" && "$compiles_in/try" || compiles_status=1
    rm -rf "$compiles_in"
    return $compiles_status
}

compiles_cxx() {
    # shellcheck disable=SC2086
    printf '#include <cstdio>\n' | ${CXX:-c++} -std=c++17 -fsyntax-only -x c++ -
}

# Is one of the commands there?
command_any() {
    for command_name; do
        command -v "$command_name" && return 0
    done
    return 1
}

meson_is_recent() {
    case $(meson --version) in
        0.* | '') return 1 ;;
    esac
}

library() {
    "${PKG_CONFIG:-pkg-config}" --exists "$1"
}

# need NAME PACKAGES COMMAND...: when COMMAND fails, NAME is missing, and these Debian packages hold it.
need() {
    need_name=$1
    need_packages=$2
    shift 2
    "$@" >/dev/null 2>&1 && return 0
    missing="${missing:+$missing, }$need_name"
    packages="${packages:+$packages }$need_packages"
}

# PyTorch is Debian's, so it belongs to Debian's own Python, whatever else is called python3 here.
system_python=/usr/bin/python3

imports_torch() {
    "$system_python" -c 'import numpy, torch'
}

# PyTorch multiplies with the BLAS that libblas.so.3 leads to; Debian recommends OpenBLAS, and without it takes the
# reference implementation.
has_openblas() {
    "$system_python" -c 'import ctypes; ctypes.CDLL("libblas.so.3").openblas_get_config'
}

# Sets missing (a sentence's list), packages, and optional (missing as well, but nothing stops without it).
find_missing() {
    missing=
    packages=
    need "a C compiler${CC:+ (CC=$CC)}" 'gcc libc6-dev' compiles -O2
    need 'meson 1.0 or later' meson meson_is_recent
    need ninja ninja-build command_any ninja ninja-build samu
    need pkg-config pkg-config command -v "${PKG_CONFIG:-pkg-config}"
    need cJSON libcjson-dev library libcjson
    need xxHash libxxhash-dev library libxxhash
    need stb libstb-dev library stb
    if [ "$1" = test ]; then
        need Check 'check libsubunit-dev' library check
        need 'a C++ compiler' g++ compiles_cxx
        # gcc brings its sanitizers along, so there is no package to name.
        if compiles -O2 >/dev/null 2>&1; then
            need "the address and undefined-behaviour sanitizers of ${CC:-cc}" '' compiles -fsanitize=address,undefined
        fi
    fi
    if [ "$1" = peers ]; then
        need PyTorch 'python3-torch python3-numpy' imports_torch
        need OpenBLAS libopenblas0-pthread has_openblas
        need FANN libfann-dev library fann
    fi
    optional=
    [ "$1" != peers ] || return 0
    if ! command -v "${GNUPLOT:-gnuplot}" >/dev/null 2>&1; then
        optional=gnuplot-nox
    fi
}

run_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_install() {
    [ "$(id -u)" -eq 0 ] || sudo -n true >/dev/null 2>&1
}

apt_install() {
    # The packages are words of one list.
    # shellcheck disable=SC2086
    run_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null &&
        run_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
            -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 install $1 </dev/null
}

# The one line that a person without root has someone run, or runs with a password.
apt_command() {
    apt_line="apt-get update && apt-get install -y --no-install-recommends $1"
    if command -v sudo >/dev/null 2>&1; then
        say "  sudo sh -c '$apt_line'"
    else
        say "  su -c '$apt_line'"
    fi
}

# Ends the script on a system whose packages have other names.
explain_other_systems() {
    say "Missing: $missing." >&2
    say "There is no apt-get here, so please install with the tools of your system: a C11 compiler, meson 1.0 or later," >&2
    say "ninja, pkg-config, and the libraries cJSON, xxHash, stb and (for the tests) Check and a C++ compiler;" >&2
    say "gnuplot draws the pictures. Then this script goes on, or by hand:" >&2
    say "  meson setup build && meson compile -C build && build/tools/reel --help" >&2
    say "  meson setup build-test -Db_sanitize=address,undefined && meson test -C build-test" >&2
    exit 1
}

# setup demo|test|peers: everything needed is there afterwards, or the script has ended with status 1 and what to do.
setup() {
    find_missing "$1"
    if [ -z "$missing$optional" ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        [ -z "$missing" ] || explain_other_systems
        say 'gnuplot is missing: the data of the pictures are written, the pictures are not.'
        return 0
    fi
    setup_packages="$packages${optional:+ $optional}"
    if may_install; then
        say "Missing: ${missing:+$missing${optional:+, }}${optional:+gnuplot}. Installing $setup_packages"
        if apt_install "$setup_packages"; then
            find_missing "$1"
            [ -z "$missing" ] || fail "Still missing after apt-get: $missing."
        elif [ -n "$missing" ]; then
            fail "apt-get could not install them; its messages stand above."
        else
            say 'gnuplot could not be installed: the data of the pictures are written, the pictures are not.'
        fi
    elif [ -n "$missing" ]; then
        say "Missing: $missing. One command installs everything; then run this script again:" >&2
        apt_command "$setup_packages" >&2
        exit 1
    else
        say 'gnuplot is missing: the data of the pictures are written, the pictures are not. To have it:'
        apt_command "$setup_packages"
    fi
}

# configure FOLDER OPTION...: a build folder with these options. One that stands already is kept when place, meson,
# compiler, environment and options are the same, else made anew.
configure() {
    configure_folder=$1
    shift
    # shellcheck disable=SC2086
    configure_key="$(pwd -P); meson $(meson --version); $(${CC:-cc} --version 2>&1 | head -n 1); CC=${CC-} CXX=${CXX-} \
CPPFLAGS=${CPPFLAGS-} CFLAGS=${CFLAGS-} CXXFLAGS=${CXXFLAGS-} LDFLAGS=${LDFLAGS-} PKG_CONFIG_PATH=${PKG_CONFIG_PATH-}; $*"
    if [ -f "$configure_folder/build.ninja" ] &&
        [ "$(cat "$configure_folder/configured-as" 2>/dev/null)" = "$configure_key" ]; then
        return 0
    fi
    if [ -d "$configure_folder/meson-private" ]; then
        say "$configure_folder was made with another compiler, place or options: it is made anew."
        rm -rf "$configure_folder"
    elif [ -e "$configure_folder" ] && ! rmdir "$configure_folder" 2>/dev/null; then
        fail "$configure_folder stands in the way and is no build folder of meson: please move it."
    fi
    say "Configuring $configure_folder"
    configure_log=$(meson setup "$configure_folder" "$@" 2>&1) || fail "$configure_log"
    printf '%s\n' "$configure_key" >"$configure_folder/configured-as"
}

# build FOLDER [TARGET...]
build() {
    build_folder=$1
    shift
    "$(command_any ninja ninja-build samu)" -C "$build_folder" "$@"
}
