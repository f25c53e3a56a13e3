#!/usr/bin/env python3
"""bench/precision with a program that only pretends to train. Skipped before Python 3.11."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

if sys.version_info < (3, 11):
    print("skipped: bench/precision needs Python 3.11")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Accuracies by seed; what bfloat16 loses is the second word of the file `loses` beside it.
PRETENDER = """\
#!{python}
import json, pathlib, shutil, sys
recipes = pathlib.Path({recipes!r})
if sys.argv[1] == "recipes":
    print((recipes / f"{{sys.argv[2]}}.toml").read_text())
    sys.exit()
assert sys.argv[1:2] == ["train"], sys.argv
recipe, folder = sys.argv[2], pathlib.Path(sys.argv[4])
options = dict(word.split("=") for word in sys.argv[6::2])
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(f"{{folder.name}}\\n")
precision = options.get("train.precision", "bfloat16" if recipe == "cnn-plus" else "float32")  # Its own is "auto".
accuracy = 0.9 + int(options["train.seed"]) / 1000 - (float((here / "loses").read_text()) if precision != "float32" else 0)
folder.mkdir(parents=True)
shutil.copy(recipes / f"{{recipe}}.toml", folder / "recipe.toml")
part = {{"accuracy": accuracy, "loss": 0.3}}
(folder / "metrics.json").write_text(json.dumps({{
    "status": "complete", "precision": precision, "test": part, "seconds": 2.0, "cpu": "A CPU", "isa": "avx2", "threads": 2,
    "versions": {{"onednn": "oneDNN 9"}}}}))
"""


class Precision(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-precision-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.program = self.folder / "lapel"
        self.program.write_text(PRETENDER.format(python=sys.executable, recipes=str(ROOT / "recipes")))
        self.program.chmod(0o755)

    def run_it(self, loses, *words):
        (self.folder / "loses").write_text(str(loses))
        return subprocess.run([sys.executable, str(ROOT / "bench" / "precision"), "--program", str(self.program), "--out",
                               str(self.folder / "runs"), *words], capture_output=True, text=True)

    def calls(self):
        return (self.folder / "calls").read_text().split()

    def test_knows_a_recipe_with_every_option_written_out(self):
        sys.path.insert(0, str(ROOT / "bench"))
        import trainings
        shipped = {"train": {"epochs": 3}, "layers": [{"type": "RandomTranslation", "height_factor": 0.1}]}
        used = {"train": {"epochs": 3, "threads": 2}, "layers": [{"type": "RandomTranslation", "height_factor": [-0.1, 0.1]}]}
        self.assertTrue(trainings.same(shipped, used, "", set()))
        used["layers"][0]["height_factor"] = [0.1, 0.2]
        self.assertFalse(trainings.same(shipped, used, "", set()))

    def test_takes_what_auto_has_trained(self):
        (self.folder / "loses").write_text("0")
        for seed in (1, 2, 3):
            folder = self.folder / "runs" / f"cnn-plus-seed{seed}"
            subprocess.run([self.program, "train", "cnn-plus", "--out", folder, "--set", f"train.seed={seed}"], check=True)
        done = self.run_it(0, "cnn-plus")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.calls()[3:], [f"cnn-plus-train.precision=float32-seed{seed}" for seed in (1, 2, 3)])

    def test_near_enough(self):
        done = self.run_it(0.0015, "cnn", "dnn")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| cnn | 90.20 ± 0.10 | 90.05 ± 0.10 | -0.15 ± 0.00 | yes | 2.0 | 2.0 |", done.stdout)
        self.assertIn("seeds 1 2 3; A CPU (avx2), 2 threads, oneDNN 9. 2 of 2 within 0.2 points. Not", done.stdout)
        self.assertEqual(self.calls()[:4], ["cnn-seed1", "cnn-seed2", "cnn-seed3", "cnn-train.precision=bfloat16-seed1"])
        # Nothing is trained twice.
        self.assertEqual(self.run_it(0.0015, "cnn", "dnn").stdout, done.stdout)
        self.assertEqual(len(self.calls()), 12)

    def test_not_near_enough(self):
        done = self.run_it(0.0025, "cnn", "--seeds", "1", "4")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("| -0.25 ± 0.00 | NO |", done.stdout)
        self.assertIn("0 of 1 within 0.2 points.", done.stdout)

    def test_an_automatic_precision_is_made_explicit(self):
        self.run_it(0, "cnn-plus", "--seeds", "2")
        self.assertEqual(self.calls(), ["cnn-plus-train.precision=float32-seed2", "cnn-plus-train.precision=bfloat16-seed2"])

    def test_write_says_what_is_not_in_the_table(self):
        page = self.folder / "page.md"
        page.write_text("before\n<!-- bench/precision --write: begin -->\nold\n<!-- bench/precision --write: end -->\nafter\n")
        rest = ["cnn", "cnn-5408", "cnn-plus", "dense-on-pixels", "dnn", "mlp-300-100"]
        done = self.run_it(0, *rest, "--write", "--page", str(page))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("6 of 6 within 0.2 points. Not measured here: mlp-512.", page.read_text())
        self.assertTrue(page.read_text().startswith("before\n<!-- bench/precision --write: begin -->\n| recipe |"))
        self.assertNotIn("old", page.read_text())


if __name__ == "__main__":
    unittest.main()
