#!/usr/bin/env python3
"""ONNX files that `lapel export` writes, by ONNX's own checker, its reference and ONNX Runtime, for every layer.

usage: test_onnx.py LAPEL [unittest options]
"""

import json
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import test_environment  # noqa: E402

test_environment.enter("onnxruntime")
import cases  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnx.reference  # noqa: E402
import onnxruntime  # noqa: E402
from exported import CLASSES, TOLERANCE, Workshop  # noqa: E402

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"


def checked(file):
    """The model in a file that passes every check of ONNX's."""
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert (model.ir_version, [one.version for one in model.opset_import]) == (8, [17])
    return model


def runtime_answers(file, pictures):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"pictures": pictures})[0]


class OnnxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lapel-onnx-")
        cls.addClassCleanup(folder.cleanup)
        cls.box = Workshop(LAPEL, folder.name)

    def same(self, theirs, ours):
        self.assertLess(np.abs(theirs - ours).max(), TOLERANCE)

    def compare(self, name, layers, train, words):
        box = self.box
        box.train(name, cases.recipe(layers, train))
        box.call("export", name, "--to", "onnx", "--out", f"{name}.onnx", *words)
        ours, file = box.answers(name), box.path(f"{name}.onnx")
        model = checked(file)
        for count in (1, len(box.pictures)):  # Any batch.
            self.same(runtime_answers(file, box.pictures[:count]), ours[:count])
        self.same(onnx.reference.ReferenceEvaluator(model).run(None, {"pictures": box.pictures})[0], ours)
        return model

    def test_the_cases_are_all_layers(self):
        self.assertEqual(set(cases.LAYERS), self.box.known_layers())

    def test_every_layer(self):
        for name, layers, train, words in cases.all_cases():
            with self.subTest(name):
                model = self.compare(name, layers, train, words)
                left = [node.op_type for node in model.graph.node].count("BatchNormalization")
                if words == ["--fold"]:  # What follows a pool or a gelu stays.
                    self.assertEqual(left, 4 if name.startswith("ensemble") else 2)

    def test_floats_in(self):
        box = self.box
        box.train("floats", cases.recipe(cases.NORMALIZED, 'test_time_augmentation = "flip"'))
        box.call("export", "floats", "--to", "onnx", "--out", "floats.onnx", "--input", "float32-nchw")
        checked(box.path("floats.onnx"))
        pictures = (box.pictures.astype(np.float32) / np.float32(255)).transpose(0, 3, 1, 2)
        self.same(runtime_answers(box.path("floats.onnx"), np.ascontiguousarray(pictures)), box.answers("floats"))

    def test_metadata(self):
        box = self.box
        box.train("meta", cases.recipe(cases.around("Flatten", ""), ""))
        box.call("export", "meta", "--to", "onnx", "--out", "meta.onnx")
        metadata = {one.key: one.value for one in onnx.load(box.path("meta.onnx")).metadata_props}
        self.assertEqual(json.loads(metadata["lapel.classes"]), CLASSES)
        self.assertEqual(json.loads(metadata["lapel.preprocessing"])["height"], 9)

    def test_the_same_bytes_again(self):
        box = self.box
        box.train("again", cases.recipe(cases.around("Flatten", ""), ""))
        for name in ("a.onnx", "b.onnx"):
            box.call("export", "again", "--to", "onnx", "--out", name)
        self.assertEqual(box.path("a.onnx").read_bytes(), box.path("b.onnx").read_bytes())

    def test_what_cannot_be_written(self):
        box = self.box
        box.train("full", cases.recipe(cases.around("Flatten", ""), ""))
        full = box.run("export", "full", "--to", "onnx", "--out", "full.onnx", file_size=512)
        self.assertEqual((full.code, full.stdout), (1, ""))
        self.assertIn("full.onnx: cannot be written: File too large", full.stderr)
        self.assertEqual([one for one in box.files() if "full.onnx" in one], [])
        lost = box.run("export", "full", "--to", "onnx", "--out", "nowhere/full.onnx")
        self.assertIn("nowhere/full.onnx: cannot be written: No such file or directory", lost.stderr)


if __name__ == "__main__":
    unittest.main()
