#!/bin/sh
# Write the locks: pins, each with the hashes of all its files. `uv` must be on PATH.
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile - --quiet --generate-hashes --python-version 3.11 --no-annotate --no-emit-index-url \
        --custom-compile-command "sh infra/lock.sh" "$@"
}
# torch is left out: a machine's own index may have a CPU build of it, whose file has another hash than the public one.
grep -v '^torch==' constraints.txt | lock --no-deps --output-file requirements.lock
printf '%s\n' pip-audit==2.10.1 pip-licenses==5.5.5 cyclonedx-bom==7.5.0 | lock --output-file infra/audit-tools.lock
