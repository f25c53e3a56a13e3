#!/usr/bin/env python3
"""The program from the weights that Keras began with: `lapel train --init WEIGHTS --loss-csv FILE` on the pictures of the
golden cases has Keras's losses, step by step, and ends with Keras's predictions.

usage: test_losses.py LAPEL [unittest options]
"""

import csv
import json
import math
import pathlib
import struct
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apps"))
from sandbox import Sandbox, idx  # noqa: E402

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
STEPS = 50


class Tensor:
    def __init__(self, shape, values):
        self.shape, self.values = shape, values


def read(file):
    """Metadata and tensors of a safetensors file."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        form = f"<{math.prod(entry['shape'])}{ {'F32': 'f', 'F16': 'e'}[entry['dtype']] }"
        tensors[name] = Tensor(entry["shape"], struct.unpack(form, content[start + begin : start + end]))
    return metadata, tensors


def write(file, tensors):
    """A safetensors file as any other program would write one: without metadata of ours."""
    header, body = {}, b""
    for name, tensor in tensors.items():
        numbers = struct.pack(f"<{len(tensor.values)}f", *tensor.values)
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [len(body), len(body) + len(numbers)]}
        body += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(len(text).to_bytes(8, "little") + text + body)


def cases():
    kinds = ("study-", "optimizer-", "loss-", "dropout-mask")
    return sorted(file for file in (HERE / "cases").glob("*.safetensors") if file.name.startswith(kinds))


class LossTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-losses-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(LAPEL, folder.name)

    def lapel(self, *words):
        result = self.box.run(*words)
        self.assertEqual((result.code, result.stderr), (0, ""))
        return result.stdout

    def prepare(self, recipe, tensors):
        """The case as a user's files: a recipe, a folder of IDX files, weights."""
        self.box.recipe("case.toml", recipe)
        data = self.box.path("data")
        data.mkdir()
        n, h, w, c = tensors["pixels"].shape
        shape = [n, h, w] if c == 1 else [n, h, w, c]
        (data / f"train-images-idx{len(shape)}-ubyte").write_bytes(idx(shape, map(int, tensors["pixels"].values)))
        (data / "train-labels-idx1-ubyte").write_bytes(idx([n], map(int, tensors["labels"].values)))
        classes = tensors["probabilities"].shape[1]
        (data / "class_names.txt").write_text("".join(f"class {i}\n" for i in range(classes)))
        begin = "weight/"
        write(self.box.path("weights.safetensors"),
              {name[len(begin):]: tensor for name, tensor in tensors.items() if name.startswith(begin)})

    def losses(self):
        rows = list(csv.DictReader(self.box.path("losses.csv").read_text().splitlines()))
        self.assertEqual([int(row["step"]) for row in rows], list(range(1, len(rows) + 1)))
        return [float(row["loss"]) for row in rows]

    def check_losses(self, keras):
        ours = self.losses()
        self.assertEqual(len(ours), len(keras))
        self.assertEqual(len(keras), STEPS)
        for step, (mine, theirs) in enumerate(zip(ours, keras), 1):
            self.assertLessEqual(abs(mine - theirs), 1e-4 * theirs, f"step {step}: {mine}, Keras has {theirs}")

    def train(self, *words):
        self.lapel("train", "case.toml", "--data", "data", "--init", "weights.safetensors", "--loss-csv", "losses.csv",
                   "--set", "train.shuffle=false", "--set", "data.test_split=0", "--out", "run", "--plot-format", "none", *words)

    def test_there_are_cases(self):
        names = [file.stem for file in cases()]
        self.assertGreaterEqual(len(names), 18, names)
        self.assertIn("study-cnn-5408", names)
        self.assertIn("dropout-mask", names)

    def check(self, file):
        metadata, tensors = read(file)
        self.prepare(metadata["recipe"], tensors)
        self.train()
        self.check_losses(tensors["losses"].values)
        count, classes = tensors["predictions"].shape
        answers = json.loads(self.lapel("predict", "run", "--split", "train", "--top", str(classes), "--json",
                                        "--index", *map(str, range(count))))
        for i, answer in enumerate(answers):
            self.assertEqual(len(answer["predictions"]), classes)
            for one in answer["predictions"]:
                keras = tensors["predictions"].values[i * classes + one["label"]]
                self.assertLessEqual(abs(one["probability"] - keras), 1e-5, f"picture {i}, {one['name']}")

    def test_a_fault_is_seen(self):
        metadata, tensors = read(HERE / "cases/study-mlp-512.safetensors")
        self.prepare(metadata["recipe"], tensors)
        self.train("--set", "train.optimizer.learning_rate=0.00101")
        with self.assertRaisesRegex(AssertionError, "step [0-9]+: .*, Keras has "):
            self.check_losses(tensors["losses"].values)


for case in cases():
    setattr(LossTest, f"test_{case.stem.replace('-', '_')}", lambda self, case=case: self.check(case))


if __name__ == "__main__":
    unittest.main()
