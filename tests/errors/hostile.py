#!/usr/bin/env python3
"""Runs every command on what no one means well with, and holds each answer to a budget.

usage: hostile.py LAPEL [--times N] [WORD...]

Each input is made here. A command takes at most 512 MB and 5 seconds of the CPU (beyond what it takes with a good path to write
to), ends within a minute, and is ended by no signal. It either works, or prints to standard error what begins with "error: ", is
shorter than 2 KB, and speaks neither of an exception nor of a defect. Of pictures predict has lines that begin with "not read: " or "left out: ".
--times makes both budgets larger, for the sanitizers' build. WORDs choose cases that have one of them in their names.
"""

import argparse
import gzip
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apps"))
from sandbox import Sandbox, idx  # noqa: E402

FUZZ = HERE.parent / "fuzz" / "cases"
SECONDS, KILOBYTES, LONGEST = 5, 512 * 1024, 2000
LONG = "x" * 10_000

# Where {} is a path that is read; everything else that they need is there.
READING = """
summary {} | train {} | train --data {} | train tiny.toml --test-data {} | train --resume {} | train --continue {}
train tiny.toml --init {} | evaluate {} | evaluate run --data {} | predict {} a.png | predict run {} | predict run --from-photo {}
predict run --data {} --index 0 | report {} | compare {} | compare run {} | bench {} --steps 1 | bench tiny.toml --data {} --steps 1
bench tiny.toml --init {} --steps 1 | data describe {} | data show {} | data show data --augment {} | data convert {} new --to csv
lr-find {} | lr-find tiny.toml --data {} | train tiny.toml --set data.source={} | recipes {}
"""
# Where {} is a path that is written.
WRITING = """
train tiny.toml --out {} | train tiny.toml --loss-csv {} --out new | predict run a.png --plot {} | predict run a.png --csv {}
predict run a.png --jsonl {} | predict run a.png --copy-to {} | compare run --plot {} | compare run --html {}
bench tiny.toml --steps 1 --trace {} | data show data --out {} | data convert data {} --to idx | lr-find tiny.toml --out {}
"""


def commands(text):
    return [line.strip().split() for row in text.strip().splitlines() for line in row.split("|")]


def make_places(box):
    """Paths of things that are no files."""
    os.mkfifo(box.path("pipe.png"))
    box.path("loop").symlink_to("loop")
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(box.path("socket.png")))
    made.close()
    box.path("folder.png").mkdir()
    return {"pipe": "pipe.png", "loop": "loop", "loop-within": "loop/x.png", "socket": "socket.png", "zero": "/dev/zero",
            "folder": "folder.png", "long": LONG, "long-path": "a/" * 5000 + "x.csv", "empty": "", "within-a-file": "a.png/x",
            "escape": "\x1b[2J\x1b]0;x\x07", "not-utf8": b"\xff\xfe.png", "proc": "/proc/self/mem"}


def make_files(box):
    """Files by the commands that read them: cases of the fuzzers under names that lead to a reader, and larger ones."""
    models, tables, pictures, recipes = [], [], [], []
    for reader, names in {"model": models, "safetensors": models}.items():
        for case in sorted((FUZZ / reader).glob("bad-*")):
            names.append(put(box, f"{reader}-{case.name}.safetensors", case.read_bytes()))
    for case in sorted((FUZZ / "csv").glob("bad-*")):
        tables.append(put(box, f"{case.name}.csv", case.read_bytes()))
    for case in sorted((FUZZ / "recipe").glob("bad-*")):
        recipes.append(put(box, f"{case.name}.toml", case.read_bytes()))
    for reader in ("png", "jpeg", "gif", "bmp", "tiff", "webp"):
        for case in sorted((FUZZ / reader).glob("b*")):
            pictures.append(put(box, f"{case.name}-{reader}.png", case.read_bytes()))
    for case in sorted((FUZZ / "archive").glob("*")):
        if not case.name.startswith("good"):
            pictures.append(put(box, case.name if "." in case.name else case.name + ".zip", case.read_bytes()))
    zeros = gzip.compress(bytes(300 << 20), 6, mtime=0)
    pictures.append(put(box, "bomb.png", zeros))
    models.append(put(box, "bomb.safetensors", zeros))
    recipes.append(put(box, "bomb.toml", gzip.compress(b"\n" * (300 << 20), 6, mtime=0)))
    tables.append(put(box, "bomb.csv", gzip.compress(b"1,2\n" * (80 << 20), 6, mtime=0)))
    for name, names in {"hole.png": pictures, "hole.csv": tables, "hole.safetensors": models, "hole.toml": recipes}.items():
        put(box, name, b"")
        os.truncate(box.path(name), 1 << 42)
        names.append(name)
    return models, tables, pictures, recipes


def put(box, name, content):
    box.path(name).write_bytes(content)
    return name


def make_runs(box):
    """Run folders in which one file is another than it should be."""
    folders = []
    for file, cases in {"plots/data.json": "plot_data", "metrics.json": "metrics"}.items():
        for case in sorted((FUZZ / cases).glob("bad-*")):
            name = f"run-{cases}-{case.name}"
            subprocess.run(["cp", "-r", box.path("run"), box.path(name)], check=True)
            put(box, f"{name}/{file}", case.read_bytes())
            folders.append(name)
    for file, content in {"history.csv": "epoch,accuracy\n1e300,1,1\n", "history.csv ": "\n-5,1,1\n", "recipe.toml": "a" + ".a" * 3000}.items():
        name = f"run-{len(folders)}"
        subprocess.run(["cp", "-r", box.path("run"), box.path(name)], check=True)
        put(box, f"{name}/{file.strip()}", content.encode())
        folders.append(name)
    return folders


def make_data(box):
    """Folders of data whose parts do not agree, or that never end."""
    folders = []
    for name, (images, labels) in {
        "idx-counts": (idx([2, 2, 2], bytes(8)), idx([3], bytes(3))),
        "idx-promise": (idx([60000, 28, 28], b""), idx([60000], b"")),
        "idx-overflow": (idx([2**32 - 1] * 3, b""), idx([2**32 - 1], b"")),
        "idx-bomb": (gzip.compress(idx([80000, 64, 64], b"") + bytes(80000 * 64 * 64), 6, mtime=0), idx([80000], bytes(80000))),
    }.items():
        box.path(name).mkdir()
        put(box, f"{name}/train-images-idx3-ubyte", images)
        put(box, f"{name}/train-labels-idx1-ubyte", labels)
        folders.append(name)
    for name in ("loops", "pipes"):
        for one in ("a", "b"):
            box.path(f"{name}/{one}").mkdir(parents=True)
            if name == "loops":
                for number in range(12):
                    box.path(f"{name}/{one}/link{number}").symlink_to("../..")
            else:
                os.mkfifo(box.path(f"{name}/{one}/x.png"))
        folders.append(name)
    return folders


def with_path(command, path):
    return [word.replace("{}", path) if isinstance(path, str) else path if word == "{}" else word for word in command]


class Checker:
    def __init__(self, box, times, words):
        self.box, self.times, self.words = box, times, words
        self.count, self.complaints, self.slowest, self.largest = 0, [], 0, 0

    def run(self, name, command, may_work=False, own=0):
        """`own`: seconds that the command takes with a path that means well. Returns those that it took."""
        if self.words and not any(word in name for word in self.words):
            return 0
        self.count += 1
        try:
            child = self.box.start(*command, stdout=subprocess.DEVNULL)
        except (OSError, ValueError) as problem:  # The system takes no such words at all.
            self.complaints.append(name)
            print(f"{name}: {problem}", flush=True)
            return 0
        signal.alarm(60 * self.times)
        try:
            words = child.stderr.read()
            _, status, used = os.wait4(child.pid, 0)
        except TimeoutError:
            child.kill()
            _, status, used = os.wait4(child.pid, 0)
            words = b"error: it never ended"
        signal.alarm(0)
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stderr.close()
        seconds = used.ru_utime + used.ru_stime
        self.judge(name, child.returncode, words, seconds - own, used.ru_maxrss, may_work)
        return seconds

    def time(self, command):
        """Seconds of the CPU that a command takes that is asked for nothing hostile."""
        child = self.box.start(*command, stdout=subprocess.DEVNULL)
        child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stderr.close()
        return used.ru_utime + used.ru_stime

    def judge(self, name, code, words, seconds, kilobytes, may_work):
        self.slowest, self.largest = max(self.slowest, seconds), max(self.largest, kilobytes)
        wrong = []
        if code < 0:
            wrong.append(f"signal {-code}")
        if code == 0 and not may_work:
            wrong.append("it worked")
        if seconds > SECONDS * self.times:
            wrong.append(f"{seconds:.1f} s")
        if kilobytes > KILOBYTES * self.times:
            wrong.append(f"{kilobytes / 1024:.0f} MB")
        # Of what it leaves out or cannot read predict says so in lines of its own.
        if code != 0 and not words.startswith((b"error: ", b"not read: ", b"left out: ")):
            wrong.append("does not begin with error")
        if max(len(words) if words.startswith(b"error: ") else 0, *map(len, words.split(b"\n"))) > LONGEST:
            wrong.append(f"{len(words)} bytes")
        if b"exception" in words or b"defect" in words or b"\x1b" in words:
            wrong.append("poor words")
        if wrong:
            self.complaints.append(name)
            print(f"{name}: {', '.join(wrong)}\n    {words[:300]!r}", flush=True)


def never_ended(*_):
    raise TimeoutError


def check_all(box, checker):
    box.data()
    box.recipe()
    box.picture("a.png")
    assert box.run("train", "tiny.toml", "--out", "run", "--plot-format", "none").code == 0
    places = make_places(box)
    for command in commands(READING):
        for kind, path in places.items():
            checker.run(f"{' '.join(command)} {kind}", with_path(command, path), may_work=kind == "folder")
    for command in commands(WRITING):
        own = checker.time(with_path(command, "good.png"))
        subprocess.run(["rm", "-rf", box.path("good.png"), box.path("new"), box.path("runs")], check=True)
        for kind, path in places.items():
            if kind not in ("zero", "proc"):
                checker.run(f"{' '.join(command)} {kind}", with_path(command, path), may_work=True, own=own)
                subprocess.run(["rm", "-rf", box.path("new"), box.path("runs")], check=True)
    models, tables, pictures, recipes = make_files(box)
    for files, several in (
        (models, "summary {} | evaluate {} | predict {} a.png | train tiny.toml --init {} --out new"),
        (tables, "data describe {} | train --data {} --out new | predict run {} | data convert {} new --to idx"),
        (pictures, "predict run {} | predict run --from-photo {}"),
        (recipes, "train {} | summary {} | bench {} --steps 1 | lr-find {}"),
        (make_runs(box), "report {} | compare {}"),
        (make_data(box), "data describe {} | train --data {} --out new | predict run {}"),
    ):
        for file in files:
            for command in commands(several):
                works = "bomb-" in file or file.startswith(("huge", "run-")) or file in ("loops",) or "predict" in command
                checker.run(f"{' '.join(command)} {file}", with_path(command, file), may_work=works)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("lapel")
    arguments.add_argument("--times", type=int, default=1)
    arguments.add_argument("words", nargs="*")
    given = arguments.parse_args()
    signal.signal(signal.SIGALRM, never_ended)
    with tempfile.TemporaryDirectory(prefix="lapel-hostile-") as folder:
        checker = Checker(Sandbox(given.lapel, folder), given.times, given.words)
        check_all(checker.box, checker)
    print(f"{checker.count} hostile inputs, {len(checker.complaints)} beyond the budget; "
          f"slowest {checker.slowest:.1f} s, largest {checker.largest / 1024:.0f} MB")
    sys.exit(1 if checker.complaints else 0)


main()
