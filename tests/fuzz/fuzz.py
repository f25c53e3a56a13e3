#!/usr/bin/env python3
"""Feeds every reader of files with what libFuzzer makes of its cases: only lapel::Error may come out.

usage: fuzz.py [--seconds N] [--keep] [READER...]

Builds the preset `fuzz` first (clang-14, and the release build's library); exits with 77, which ctest takes for skipped,
where clang or its runtime is missing. Each input has 5 seconds and the process 512 MB beside what the sanitizers take. What
is found is printed, and kept as cases/READER/found-* with --keep; mend it, and leave the case there.

    tests/fuzz/fuzz.py --seconds 3600        an hour for each reader
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = ROOT / "build" / "fuzz" / "tests" / "fuzz" / "fuzz_readers"
OPTIONS = ["-rss_limit_mb=512", "-timeout=5", "-max_len=65536", "-print_final_stats=1", "-verbosity=0", "-seed=1"]


def build():
    if shutil.which("clang++-14") is None:
        sys.exit(77)
    for words in (["cmake", "--preset", "fuzz"], ["cmake", "--build", "--preset", "fuzz"]):
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            missing = "libclang_rt" in done.stdout + done.stderr
            print(done.stdout[-3000:], done.stderr[-3000:])
            sys.exit(77 if missing else 1)


def fuzz(reader, seconds, keep):
    """Executions, crashes, hangs; what was found is printed."""
    environment = os.environ | {
        "LAPEL_FUZZ_READER": reader, "OMP_NUM_THREADS": "1",
        # Objects of the release build share vectors with those of this one.
        "ASAN_OPTIONS": "detect_container_overflow=0:allocator_may_return_null=0:detect_leaks=0:quarantine_size_mb=16"}
    with tempfile.TemporaryDirectory(prefix="lapel-fuzz-") as folder:
        made = pathlib.Path(folder) / "corpus"
        made.mkdir()
        command = [PROGRAM, *OPTIONS, f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", made,
                   HERE / "cases" / reader]
        done = subprocess.run(command, capture_output=True, env=environment, cwd=folder)
        words = done.stderr.decode(errors="replace")
        ran = re.search(r"number_of_executed_units: (\d+)", words)
        executions = int(ran.group(1)) if ran else 0
        found = [f for f in pathlib.Path(folder).iterdir() if f.is_file()]
        hangs = sum(f.name.startswith("timeout-") for f in found)
        if done.returncode != 0:
            print(f"== {reader}\n{words[-4000:]}")
        for file in found:
            if keep:
                shutil.copy(file, HERE / "cases" / reader / f"found-{file.name}")
        return executions, max(len(found) - hangs, int(done.returncode != 0 and not found)), hangs


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("readers", nargs="*")
    given = arguments.parse_args()
    build()
    bad = 0
    print(f"{'reader':18} {'executions':>12} {'crashes':>8} {'hangs':>6}")
    for reader in given.readers or sorted(f.name for f in (HERE / "cases").iterdir()):
        executions, crashes, hangs = fuzz(reader, given.seconds, given.keep)
        print(f"{reader:18} {executions:12,} {crashes:8} {hangs:6}", flush=True)
        bad += crashes + hangs
    sys.exit(1 if bad else 0)


main()
