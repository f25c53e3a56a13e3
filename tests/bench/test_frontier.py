#!/usr/bin/env python3
"""bench/frontier's ablations with a program that only pretends to train, and its table. Skipped before Python 3.11."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import sys
import tempfile
import unittest

if sys.version_info < (3, 11):
    print("skipped: bench/frontier needs Python 3.11")
    sys.exit(77)

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
# 0.9, and what each thing that it finds in its recipe and options adds.
PRETENDER = """\
#!{python}
import json, pathlib, sys, tomllib
if sys.argv[1] == "recipes":
    print(pathlib.Path(sys.argv[2]).read_text())
    sys.exit()
if sys.argv[1] == "bench":
    print(json.dumps({{"flop": 1.1e10, "batch": 100}}))
    sys.exit()
options = dict(word.split("=", 1) for word in sys.argv[8::2])
assert sys.argv[1] == "train" and options["data.validation"] == '"last 5000"', sys.argv
folder = pathlib.Path(sys.argv[4])
layers = [layer["type"] for layer in tomllib.loads(pathlib.Path(sys.argv[2]).read_text())["layers"]]
accuracy = 0.9 + 0.002 * ("RandomFlip" in layers) - 0.0005 * ("RandomErasing" in layers)
if "train.optimizer" in options:
    assert not [key for key in options if key.startswith("train.optimizer.")], options
    accuracy -= 0.0005
accuracy -= 0.0003 * (options.get("train.optimizer.weight_decay") == "0")
# Each of the two does for the other.
accuracy -= 0.003 * (options.get("train.loss.label_smoothing") == "0" and options.get("train.schedule.warmup_fraction") == "0")
folder.mkdir(parents=True)
(folder / "metrics.json").write_text(json.dumps({{
    "val": {{"accuracy": accuracy, "loss": 0.3}}, "seconds": 2.0, "training_flop": 3e12, "parameters": 10, "epochs": int(options.get("train.epochs", 4)),
    "precision": "float32", "threads": 2, "cpu": "A CPU", "isa": "avx2"}}))
"""
RECIPE = """\
[[layers]]
type = "RandomFlip"

[[layers]]
type = "RandomErasing"

[[layers]]
type = "Dense"
units = 10
"""
TRICKS = """\
[[net]]
off = "flips"
drop = ["RandomFlip"]
[[net]]
off = "decay"
set = ["train.optimizer.weight_decay=0"]
[[net]]
off = "Adam: SGD"
set = ['train.optimizer={ type = "SGD" }']
[[net]]
off = "smoothing"
set = ["train.loss.label_smoothing=0"]
[[net]]
off = "warm-up"
set = ["train.schedule.warmup_fraction=0"]
[[net]]
off = "boxes"
drop = ["RandomErasing"]
"""


def load_frontier():
    sys.path.insert(0, str(BENCH))
    loader = importlib.machinery.SourceFileLoader("frontier", str(BENCH / "frontier"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("frontier", loader))
    sys.dont_write_bytecode = True
    sys.modules["frontier"] = module
    loader.exec_module(module)
    return module


class Ablation(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-frontier-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.program = self.folder / "lapel"
        self.program.write_text(PRETENDER.format(python=sys.executable))
        self.program.chmod(0o755)
        (self.folder / "net.toml").write_text(RECIPE)
        (self.folder / "tricks.toml").write_text(TRICKS)
        self.frontier = load_frontier()
        self.frontier.LOG = self.folder / "log.csv"
        self.frontier.TRIALS = self.folder / "trials.json"
        self.frontier.ABLATION = self.folder / "tricks.toml"

    def run_it(self, *words, recipe=None):
        out = io.StringIO()
        arguments = ["frontier", recipe or str(self.folder / "net.toml"), "--program", str(self.program), "--seeds", "1", "2", *words]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            before, sys.argv = sys.argv, arguments
            try:
                self.frontier.main()
            finally:
                sys.argv = before
        return out.getvalue()

    def test_one_at_a_time(self):
        lines = self.run_it("--ablate").splitlines()
        self.assertIn("| (the recipe) | 90.15 ± 0.00 |  |", lines[2])
        self.assertIn("| flips | 89.95 ± 0.00 | -0.20 |", lines[3])
        self.assertIn("| decay | 90.12 ± 0.00 | -0.03 |", lines[4])
        self.assertIn("| Adam: SGD | 90.10 ± 0.00 | -0.05 |", lines[5])
        self.assertIn("| smoothing | 90.15 ± 0.00 | +0.00 |", lines[6])
        self.assertIn("| boxes | 90.20 ± 0.00 | +0.05 |", lines[8])

    def test_in_turn(self):
        lines = self.run_it("--ablate-in-turn").splitlines()
        # Boxes did harm; smoothing and warm-up were missed by nobody alone, but the second one is, without the first; an
        # optimizer takes the place of what was set in the other one.
        for line, wanted in zip(lines[3:], ["| boxes | 90.20 ± 0.00 | +0.05 | ", "| smoothing | 90.20 ± 0.00 | +0.00 | ",
                                            "| warm-up | 89.90 ± 0.00 | -0.30 | ", "| decay | 90.17 ± 0.00 | -0.03 | ",
                                            "| Adam: SGD | 90.15 ± 0.00 | -0.02 | ", "| flips | 89.95 ± 0.00 | -0.20 | "]):
            self.assertTrue(line.startswith(wanted), f"{line}\nwanted: {wanted}")
            self.assertTrue(line.endswith("is missed: kept |" if "-0.30" in line or "-0.20" in line else "stays out |"), line)
        log = (self.folder / "log.csv").read_text()
        self.assertIn("without boxes; without smoothing; without decay; without Adam: SGD; without flips", log)
        # Nothing is trained twice.
        self.assertEqual(self.run_it("--ablate-in-turn").splitlines(), lines)
        self.assertEqual((self.folder / "log.csv").read_text(), log)

    def test_seeds_at_once(self):
        table = self.run_it("--validation", "--at-once", "2")
        self.assertTrue(table.splitlines()[-1].endswith("| 90.15 ± 0.00 | 2 |"), table)
        (entry,) = json.loads((self.folder / "trials.json").read_text()).values()
        self.assertEqual(sorted(entry["seeds"]), ["1", "2"])
        self.assertIn("train.threads=1", entry["options"])
        log = (self.folder / "log.csv").read_text()
        self.assertEqual(self.run_it("--validation", "--at-once", "2"), table)
        self.assertEqual((self.folder / "log.csv").read_text(), log)

    def test_as_many_epochs_as_make_the_arithmetic(self):
        self.frontier.RESULTS = self.folder / "results.json"
        self.run_it("--validation", "--tflop", recipe="minute")
        (entry,) = json.loads(self.frontier.RESULTS.read_text()).values()
        # 55 TFLOP by epochs of 55,000 pictures of 1.1e8 FLOP: 9.09.
        self.assertEqual(entry["seeds"]["1"]["epochs"], 9)
        self.run_it("--validation", "--tflop", "--set", "train.ensemble=3", recipe="minute")
        of_three = list(json.loads(self.frontier.RESULTS.read_text()).values())[1]
        self.assertEqual(of_three["seeds"]["1"]["epochs"], 3)

    def test_no_seed_at_once(self):
        with self.assertRaises(SystemExit) as ended:
            self.run_it("--validation", "--at-once", "0")
        self.assertEqual(ended.exception.code, "error: --at-once 0: 1 or more")


class Table(unittest.TestCase):
    def entry(self, recipe, tflop, options, accuracy, date="2026-01-02"):
        record = {"accuracy": accuracy, "wall": 60.0, "training": 50.0, "tflop": 40.0, "parameters": 1000, "epochs": 4,
                  "precision": "float32", "threads": 2, "cpu": "A CPU", "isa": "avx2"}
        return {"recipe": recipe, "kind": "figure", "options": options, "tflop": tflop, "date": date, "seeds": {"1": record}}

    def test_rows_in_their_time_and_in_that_of_their_arithmetic(self):
        with tempfile.TemporaryDirectory() as folder:
            frontier = load_frontier()
            frontier.RESULTS = pathlib.Path(folder) / "frontier.json"
            entries = [self.entry("minute", False, [], 0.95, "2026-01-01"), self.entry("minute", False, [], 0.94),
                       self.entry("minute", True, [], 0.943), self.entry("minute", False, ["train.seed=3"], 0.99)]
            results = dict(enumerate(entries))
            minute = frontier.recipe_file("minute")
            results[frontier.key_of("minute", minute, [], False)] = results.pop(1)
            frontier.RESULTS.write_text(json.dumps(results))
            lines = [line for line in frontier.figure_table().splitlines() if "minute" in line and "five" not in line]
        self.assertEqual(len(lines), 2)
        self.assertIn("| 94.00 | 1 | 93.5: yes | 94.2: no |", lines[0])
        self.assertTrue(lines[1].startswith("| minute, 40 TFLOP (an earlier form) |"), lines[1])
        self.assertIn("| 94.30 | 1 | 93.5: yes | 94.2: yes |", lines[1])


if __name__ == "__main__":
    unittest.main()
