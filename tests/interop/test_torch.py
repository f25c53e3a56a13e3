#!/usr/bin/env python3
"""The folder that `lapel export --to torch` writes: model.py is run, by PyTorch and safetensors where they are installed,
else by the stand-in of torch_stand_in.py, and gives Lapel's probabilities for every layer.

usage: test_torch.py LAPEL [unittest options]
"""

import importlib.util
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]
import cases  # noqa: E402
import numpy as np  # noqa: E402
import torch_stand_in  # noqa: E402
from exported import CLASSES, TOLERANCE, Workshop  # noqa: E402

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
REAL = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))
if not REAL:
    torch_stand_in.install()


def load(folder):
    """What a folder's model.py defines."""
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TorchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lapel-torch-")
        cls.addClassCleanup(folder.cleanup)
        cls.box = Workshop(LAPEL, folder.name)

    def exported(self, name, layers, train="", words=()):
        self.box.train(name, cases.recipe(layers, train))
        self.box.call("export", name, "--to", "torch", "--out", f"{name}-torch", *words)
        return load(self.box.path(f"{name}-torch"))

    def same(self, module, name):
        theirs = module.load().probabilities(self.box.pictures)
        theirs = theirs.detach().numpy() if REAL else theirs
        self.assertLess(np.abs(theirs - self.box.answers(name)).max(), TOLERANCE)

    def test_the_cases_are_all_layers(self):
        self.assertEqual(set(cases.LAYERS), self.box.known_layers())

    def test_every_layer(self):
        for name, layers, train, words in cases.all_cases():
            with self.subTest(name):
                self.same(self.exported(name, layers, train, words), name)

    def test_names_that_python_has(self):
        named = lambda name: cases.layer("Conv2D", f'filters = 2, kernel_size = 1, name = "{name}"')  # noqa: E731
        layers = [named(name) for name in ("for", "train", "a.b", "a-b", "a_b", "2nd", "torch")]
        self.same(self.exported("names", [*layers, cases.layer("Flatten"), cases.layer("Dense", "units = 3")]), "names")

    def test_constants(self):
        module = self.exported("constants", cases.around("Flatten", ""))
        self.assertEqual(module.CLASSES, CLASSES)
        self.assertEqual((module.HEIGHT, module.WIDTH, module.CHANNELS), (9, 8, 3))

    def test_the_weights_alone(self):
        self.exported("alone", cases.around("Flatten", ""))
        self.box.call("export", "alone", "--to", "safetensors", "--out", "alone.safetensors")
        self.assertEqual(self.box.path("alone.safetensors").read_bytes(),
                         self.box.path("alone-torch/model.safetensors").read_bytes())

    def test_what_changes_pictures_is_said(self):
        self.box.train("said", cases.recipe(cases.around("RandomFlip", ""), ""))
        text = self.box.call("export", "said", "--to", "torch", "--out", "said-torch")
        self.assertIn("left out: 1 layers that change pictures in training alone (random_flip)\n", text)


if __name__ == "__main__":
    unittest.main()
