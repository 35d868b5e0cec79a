#!/bin/sh
# Make the virtual environment with the pinned packages. Usage: infra/setup.sh VENV
set -eu
venv=$1

python=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$name
        break
    fi
done
if [ -z "$python" ]; then
    echo "Winnow needs Python 3.11 or newer, and there is none on PATH. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
    exit 1
fi

# Debian keeps the part of venv that brings pip in a package of its own.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version-venv"
    else
        echo "$python cannot make virtual environments. Run: sudo apt-get install python$version-venv" >&2
        exit 1
    fi
fi

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

# First all whose files are known by hash, what builds Winnow included; then torch, of which each index may have a build
# of its own, and Winnow itself.
install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
install --require-hashes --no-deps -r requirements.lock
install --no-build-isolation -c constraints.txt -e '.[dev]'
