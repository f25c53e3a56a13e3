#!/usr/bin/env python3
"""Seven commands under valgrind's memcheck. Exit code 77 (skipped) where valgrind is not installed.

usage: valgrind.py LAPEL SHIM [--release]

valgrind knows no AVX-512, so LAPEL_ISA=avx2.
"""

import shutil
import subprocess
import sys
import tempfile

import trials

COMMANDS = [
    ["recipes"],
    ["summary", "tiny.toml"],
    ["data", "describe", "data"],
    ["data", "convert", "data", "out", "--to", "csv"],
    ["train", "tiny.toml", "--out", "run", "--plot-format", "none"],
    ["evaluate", "run"],
    ["predict", "run", "one.png"],
]


def main():
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed (apt-get install valgrind)")
        sys.exit(77)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="lapel-trust-") as folder:
        box = trials.Box(sys.argv[1], folder, sys.argv[2], epochs=1)
        box.environment.update(LAPEL_ISA="avx2", OMP_WAIT_POLICY="passive")
        for words in COMMANDS:
            done = subprocess.run(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=no", box.lapel, *words],
                                  cwd=box.folder, env=box.environment, capture_output=True, stdin=subprocess.DEVNULL)
            failed += done.returncode != 0
            print(f"lapel {' '.join(words)}: {'ok' if done.returncode == 0 else done.stderr.decode()[-3000:]}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
