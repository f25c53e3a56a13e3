#!/bin/sh
# Makes build/test-env, a virtual environment of Python with what tests/requirements.txt lists, and prints where it is. Does
# nothing where it is there and up to date. Exit code 1, and why, where it cannot be made: tests that need it are skipped.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
list=$root/tests/requirements.txt
environment=$root/build/test-env
log=$root/build/test-env.log
# Debian's own Python knows how to make one once python3-venv is installed; another one may come first on the PATH.
python=/usr/bin/python3
[ -x "$python" ] && "$python" -c 'import ensurepip' 2>/dev/null || python=python3

wanted=$( ("$python" --version; cat "$list") 2>&1 | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$environment/made-from" 2>/dev/null)" = "$wanted" ]; then
  echo "$environment"
  exit 0
fi
mkdir -p "$root/build"
rm -rf "$environment"
if ! "$python" -m venv "$environment" >"$log" 2>&1 ||
    ! "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$list" >>"$log" 2>&1; then
  rm -rf "$environment"
  echo "error: build/test-env cannot be made; tests that need it are skipped" >&2
  tail -n 3 "$log" >&2
  exit 1
fi
echo "$wanted" >"$environment/made-from"
echo "$environment"
