"""Lapel's side: `lapel bench` for the time of a step, `lapel train` for losses and for a model to use."""

import csv
import json
import math
import os
import subprocess


class LapelFailed(Exception):
    """The program ended with an error; the text is what it said."""


class Lapel:
    """The program, built, on some threads."""

    def __init__(self, program, threads):
        if not program.exists():
            raise SystemExit(f"error: {program} is missing; build it with: cmake --preset release && "
                             "cmake --build --preset release")
        self.program, self.threads = program, threads

    def call(self, *arguments):
        """What the program prints on stdout."""
        done = subprocess.run([str(self.program), *map(str, arguments)], capture_output=True, text=True,
                              env=os.environ | {"OMP_NUM_THREADS": str(self.threads)})
        if done.returncode != 0:
            raise LapelFailed(f"{' '.join([self.program.name, *map(str, arguments)])}: {done.stderr.strip()}")
        return done.stdout

    def bench(self, row, mode, precision, batch, steps):
        """The document of `lapel bench` (docs/bench.md)."""
        return json.loads(self.call("bench", row.path, "--only", "step", "--json", "--mode", mode, "--batch", batch,
                                    "--steps", steps, "--set", f"train.precision={precision}",
                                    "--set", f"train.threads={self.threads}"))

    def losses(self, row, weights, precision, steps, folder):
        """The losses of the first steps from given weights, pictures in order, without dropout."""
        trace = folder / "trace.csv"
        settings = {"data.limit": row.batch * steps, "data.validation": "", "data.validation_split": 0,
                    "train.epochs": 1, "train.batch_size": row.batch, "train.shuffle": "false", "train.schedule": "Constant",
                    "train.precision": precision, "train.threads": self.threads}
        settings |= {f"layers.{layer.name}.rate": 0 for layer in row.read().layers if layer.type == "Dropout"}
        options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        self.call("train", row.path, *options, "--init", weights, "--loss-csv", trace, "--plot-format", "none",
                  "--out", folder / "run")
        with trace.open(newline="") as file:
            return [float(line["loss"]) for line in csv.DictReader(file)]

    def loss_in_use(self, run, pictures):
        """The mean cross-entropy of the first training pictures, from what `lapel predict` prints of a run. Probabilities
        below 1e-7 count as that, as in Keras: after a few steps there are some that are 0."""
        printed = self.call("predict", run, "--split", "train", "--top", 10, "--json", "--index", *range(pictures))
        losses = [-math.log(max(one["probability"], 1e-7)) for picture in json.loads(printed) for one in picture["predictions"]
                  if one["name"] == picture["actual"]]
        return sum(losses) / pictures


class Bench:
    """One way of Lapel to run a row, with the methods of a Worker; every run is a process of its own."""

    def __init__(self, lapel, row, mode, precision, batch):
        self.name = f"lapel/{precision}"
        self.lapel, self.row, self.mode, self.precision, self.batch = lapel, row, mode, precision, batch
        self.document = None

    def run(self, steps):
        """Seconds of one step, the mean of `steps`. Keeps the document."""
        self.document = self.lapel.bench(self.row, self.mode, self.precision, self.batch, steps)
        return self.document["ms"]["mean"] / 1000
