#!/usr/bin/env python3
"""Kills trainings at random moments and resumes them: each ends with the very model of one that was never killed.

usage: kills.py LAPEL SHIM [--release] [--kills N]

12 kills, with --release 1,000. The moments are random, but any moment must do: no result depends on them.
"""

import argparse
import random
import signal
import sys
import tempfile
import time

import trials


def history_of(run):
    """Without the seconds."""
    return [line.rsplit(",", 1)[0] for line in (run / "history.csv").read_text().splitlines()]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("lapel")
    arguments.add_argument("shim")
    arguments.add_argument("--release", action="store_true")
    arguments.add_argument("--kills", type=int)
    given = arguments.parse_args()
    wanted_kills = given.kills or (1000 if given.release else 12)
    rng = random.Random()
    with tempfile.TemporaryDirectory(prefix="lapel-trust-") as folder:
        box = trials.Box(given.lapel, folder, given.shim, epochs=40, train=600)
        train = ["train", "tiny.toml", "--plot-format", "none", "--out"]
        begin = time.monotonic()
        box.must(*train, "whole")
        length = time.monotonic() - begin
        wanted, history = trials.content_hash(box.path("whole/model.safetensors")), history_of(box.path("whole"))
        kills, runs, begun_again, complaints = 0, 0, 0, []
        while kills < wanted_kills and not complaints:
            name = f"run{runs}"
            runs += 1
            run = box.path(name)
            words = [*train, name]
            while True:
                process = box.start(*words)
                time.sleep(rng.uniform(0, length))
                process.send_signal(signal.SIGKILL)
                _, err = process.communicate()
                if process.returncode == 0:
                    break
                if process.returncode != -signal.SIGKILL:
                    complaints.append(f"exit {process.returncode}: {err.decode()}")
                    break
                kills += 1
                complaints += trials.complaints_about_files(box.folder, {})
                if finished(run):  # Killed on its way out.
                    break
                if run.exists() and trials.resumable(run):
                    words = ["train", "--resume", run.name, "--plot-format", "none"]
                    if rng.random() < 0.5 or kills >= wanted_kills:
                        box.must(*words)
                        break
                else:  # Nothing was learned by then.
                    begun_again += 1
                    words = [*train, f"again{begun_again}"]
                    run = box.path(f"again{begun_again}")
            if not complaints and (trials.content_hash(run / "model.safetensors") != wanted or history_of(run) != history):
                complaints.append(f"{run.name}: another model or history than that of a run that was never killed")
        print("\n".join([*complaints, f"{kills} kills of {runs} runs, {begun_again} of them before anything was learned; "
                         f"{len(complaints)} complaints"]))
    sys.exit(1 if complaints else 0)


def finished(run):
    metrics = run / "metrics.json"
    return metrics.exists() and '"complete"' in metrics.read_text()


if __name__ == "__main__":
    main()
