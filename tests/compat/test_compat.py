#!/usr/bin/env python3
"""Files that earlier versions wrote still open, and give the answers that they gave (make_files.py).

usage: test_compat.py LAPEL [unittest options]
"""

import json
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
TOLERANCE = 1e-5


class CompatTest(unittest.TestCase):
    def test_every_file(self):
        folders = sorted(path.parent for path in HERE.glob("*/model.safetensors"))
        self.assertEqual(len({folder.name.rsplit("-", 1)[1] for folder in folders}), 3)  # Formats of model files.
        for folder in folders:
            with self.subTest(folder.name):
                pictures = sorted(map(str, folder.glob("*.png")))
                done = subprocess.run(
                    [LAPEL, "predict", str(folder / "model.safetensors"), *pictures, "--top", "3", "--json", "--precision",
                     "float32"], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                wanted = json.loads((folder / "answers.json").read_text())
                self.assertEqual(len(wanted), len(pictures))
                for row, answers in zip(json.loads(done.stdout), wanted):
                    got = {one["name"]: one["probability"] for one in row["predictions"]}
                    self.assertEqual(got.keys(), answers.keys())
                    for name, probability in answers.items():
                        self.assertAlmostEqual(got[name], probability, delta=TOLERANCE)


if __name__ == "__main__":
    unittest.main()
