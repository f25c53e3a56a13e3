#!/usr/bin/env python3
"""A fault at every file operation of every command that writes, and what must hold afterwards (docs/reliability.md).

usage: sweep.py LAPEL SHIM [--release] [--tries N] [--only COMMAND]

Each command is run once to count its file operations. A try is a command, an operation and a fault. Without --release
a sample of the tries is made, the same one each time. Prints a line for each command, and each complaint.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import random
import shutil
import sys
import tempfile

import trials

FAULTS = {
    "ENOSPC": {"FAULT_MODE": "fail", "FAULT_ERRNO": 28},
    "EIO": {"FAULT_MODE": "fail", "FAULT_ERRNO": 5},
    "EDQUOT": {"FAULT_MODE": "fail", "FAULT_ERRNO": 122},
    "short": {"FAULT_MODE": "short"},
    "kill_before": {"FAULT_MODE": "kill_before"},
    "kill_after": {"FAULT_MODE": "kill_after"},
}
TRAIN = ["train", "{box}/tiny.toml", "--out", "{box}/run", "--plot-format", "none"]
# What is run, and what is there before: `done`, a complete run under that name; `run`, one that can be resumed.
COMMANDS = {
    "train": (TRAIN, None),
    "train_callbacks": (["train", "{box}/calls.toml", *TRAIN[2:]], None),
    "resume": (["train", "--resume", "{box}/run", "--plot-format", "none"], "run"),
    "resume_stopped": (["train", "--resume", "{box}/run", "--plot-format", "none"], "stopped"),
    "evaluate": (["evaluate", "{box}/done"], "done"),
    "predict": (["predict", "{box}/done", "{box}/one.png", "--csv", "{box}/answers.csv"], "done"),
    "convert_idx": (["data", "convert", "{box}/data", "{box}/out", "--to", "idx"], None),
    "convert_csv": (["data", "convert", "{box}/data", "{box}/out", "--to", "csv"], None),
    "convert_folder": (["data", "convert", "{box}/data", "{box}/out", "--to", "folder"], None),
    "compare": (["compare", "{box}/done", "{box}/done", "--html", "{box}/page.html"], "done"),
    "export": (["export", "{box}/done", "--to", "onnx", "--out", "{box}/model.onnx"], "done"),
    "report": (["report", "{box}/done"], "done"),
}
SLOW = ("report",)  # gnuplot; only with --release.


class Sweep:
    def __init__(self, lapel, shim, folder):
        self.lapel, self.shim, self.folder = lapel, shim, pathlib.Path(folder)
        self.templates = {}
        # All boxes have the same path while they are used by one worker, so that recipes stay true.
        for worker in range(2):
            box = self.box(worker)
            self.templates[worker] = {None: self.keep(box, worker, "plain")}
            box.must(*TRAIN[:3], "{box}/done", *TRAIN[4:])
            self.wanted = trials.content_hash(box.path("done/model.safetensors"))
            self.templates[worker]["done"] = self.keep(box, worker, "done")
            self.templates[worker]["run"] = self.begun(box, worker)
            self.templates[worker]["stopped"] = self.stopped(box, worker)

    def box(self, worker):
        place = self.folder / f"box{worker}"
        place.mkdir()
        return trials.Box(self.lapel, place, self.shim)

    def keep(self, box, worker, name):
        kept = self.folder / f"kept-{name}-{worker}"
        shutil.copytree(box.folder, kept)
        return kept

    def operations(self, box, words):
        log = self.folder / f"log-{box.folder.name}"
        log.unlink(missing_ok=True)
        box.lapel_with(words, {"FAULT_MODE": "count", "FAULT_LOG": log})
        return log.read_text().splitlines() if log.exists() else []

    def begun(self, box, worker):
        """A run that was killed once its first checkpoint was there."""
        box.copy_of(self.templates[worker][None])
        first = next(int(line.split()[0]) for line in self.operations(box, TRAIN) if "rename" in line and "/step-" in line)
        box.copy_of(self.templates[worker][None])
        box.lapel_with(TRAIN, {"FAULT_MODE": "kill_after", "FAULT_AT": first})
        assert trials.resumable(box.path("run"))
        return self.keep(box, worker, "run")

    def stopped(self, box, worker):
        """The same with metrics and a model, as a run that its user stopped has them."""
        done = self.templates[worker]["done"] / "done"
        for name in ("model.safetensors", "metrics.json"):
            shutil.copy(done / name, box.path("run") / name)
        metrics = box.path("run/metrics.json")
        metrics.write_text(metrics.read_text().replace('"complete"', '"interrupted"'))
        return self.keep(box, worker, "stopped")

    def count(self, command):
        words, there = COMMANDS[command]
        box = trials.Box.__new__(trials.Box)
        trials.Sandbox.__init__(box, self.lapel, self.folder / "box0")
        box.shim = str(pathlib.Path(self.shim).resolve())
        box.copy_of(self.templates[0][there])
        operations = len(self.operations(box, words))
        box.copy_of(self.templates[0][there])
        code, _, err = box.lapel_with(words)
        if code != 0:
            print(f"skipped {command}, which this build cannot do: {err.strip()}")
        return operations if code == 0 else 0

    def attempt(self, worker, command, operation, fault):
        words, there = COMMANDS[command]
        box = trials.Box.__new__(trials.Box)
        trials.Sandbox.__init__(box, self.lapel, self.folder / f"box{worker}")
        box.shim = str(pathlib.Path(self.shim).resolve())
        box.copy_of(self.templates[worker][there])
        before = {str(f.relative_to(box.folder)): trials.content_hash(f) for f in trials.visible_files(box.folder)}
        run = box.path("run")
        was_resumable = run.exists() and trials.resumable(run)
        code, _, err = box.lapel_with(words, {**FAULTS[fault], "FAULT_AT": operation})
        complaints = list(trials.complaints_about_files(box.folder, before))
        killed = code == -9
        if fault.startswith("kill") != killed and not (fault.startswith("kill") and code == 0):
            complaints.append(f"exit {code}: {err!r}")
        if not killed and code != 0:
            complaints += trials.complaints_about_message(box, code, err)
            hidden = [str(f) for f in box.folder.rglob("*") if any(mark in f.name for mark in trials.HIDDEN)]
            can_stay = fault != "short" and any("unlink" in line for line in [err])
            if hidden and not can_stay:
                complaints.append(f"left behind: {hidden}")
        if command.startswith(("train", "resume")):
            wanted = self.wanted
            complaints += trials.complaints_about_run(box, run, was_resumable, wanted)
        return [f"{command}, operation {operation}, {fault}: {complaint}" for complaint in complaints]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("lapel")
    arguments.add_argument("shim")
    arguments.add_argument("--release", action="store_true")
    arguments.add_argument("--tries", type=int, default=90)
    arguments.add_argument("--only")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="lapel-trust-") as folder:
        sweep = Sweep(given.lapel, given.shim, folder)
        commands = [c for c in COMMANDS if given.only in (None, c) and (given.release or given.only or c not in SLOW)]
        counts = {command: sweep.count(command) for command in commands}
        tries = [(c, n, f) for c in commands for n in range(1, counts[c] + 1) for f in FAULTS]
        if not given.release:
            tries = random.Random(1).sample(tries, min(given.tries, len(tries)))
        made, wrong = collections.Counter(), collections.Counter()

        def work(worker):
            found = []
            for command, operation, fault in tries[worker::2]:
                complaints = sweep.attempt(worker, command, operation, fault)
                made[command] += 1
                wrong[command] += bool(complaints)
                for complaint in complaints:
                    print(complaint, flush=True)
                found += complaints
            return found

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            complaints = [text for texts in pool.map(work, range(2)) for text in texts]
        print("| command | file operations | tries | that broke a promise |\n|---|---:|---:|---:|")
        for command in commands:
            print(f"| {command} | {counts[command]} | {made[command]} | {wrong[command]} |")
        if sum(counts.values()) == 0:
            sys.exit("the shim counts nothing: it is not loaded")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
