#!/usr/bin/env python3
"""The data that people have: the same pictures in every form, and folders of pictures of their own.

usage: test_data_forms.py LAPEL [unittest options]
"""

import json
import random
import sys
import tempfile
import unittest

from sandbox import Sandbox, png

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"


class DataFormsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-forms-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(LAPEL, folder.name)

    def lapel(self, *words):
        result = self.box.run(*words)
        self.assertEqual((result.code, result.stderr), (0, ""))
        return result.stdout

    def model(self, run):
        return self.box.path(f"{run}/model.safetensors").read_bytes()

    def test_the_same_pictures_give_the_same_model_in_every_form(self):
        self.box.data()
        self.box.recipe()
        for form in ("idx", "csv", "folder"):
            self.lapel("data", "convert", "data", f"as-{form}", "--to", form)
        self.assertTrue(list(self.box.path("as-folder/train").glob("*/*.png")))
        self.lapel("data", "convert", "as-folder", "packed", "--to", "csv")
        for part in ("train", "test"):
            self.box.gzip(f"packed/{part}.csv")
        forms = ("data", "as-idx", "as-csv", "as-folder", "packed")
        for form in forms:
            self.lapel("train", "tiny.toml", "--data", form, "--out", f"run-{form}")
        for form in forms[1:]:
            self.assertEqual(self.model("run-data"), self.model(f"run-{form}"), form)
        # Each run knows where its pictures are, from any folder.
        self.box.folder = self.box.path("as-csv")
        scores = {self.lapel("evaluate", f"../run-{form}").replace(f"part of {form}\n", "part of it\n") for form in forms}
        self.assertEqual(len(scores), 1)

    def folder(self, name, classes, picture, side, channels, count):
        """A folder with `count` pictures of each class, under names that are no numbers."""
        rng = random.Random(3)
        for label, kind in enumerate(classes):
            self.box.path(f"{name}/{kind}").mkdir(parents=True)
            for i in range(count):
                pixels = bytes(picture(rng, label))
                self.box.path(f"{name}/{kind}/photo-{i}.png").write_bytes(png(side, pixels, channels))

    def train_and_predict(self, name, classes):
        """The default recipe takes size, channels and classes from the pictures. It is given epochs in place of its
        minute, so that the result depends on no clock."""
        self.lapel("train", "--data", name, "--set", "train.epochs=60")
        for kind in classes:
            answer = json.loads(self.lapel("predict", "runs/default", f"{name}/{kind}/photo-0.png", "--json"))
            self.assertEqual(answer[0]["predictions"][0]["name"], kind)
        evaluation = json.loads(self.lapel("evaluate", "runs/default", "--split", "train", "--json"))
        self.assertGreater(evaluation["accuracy"], 0.9)

    def test_grey_pictures_of_8_x_8_in_10_classes(self):
        def picture(rng, label):
            """A bright box of one of ten sizes in the middle, which flips and moves by a pixel leave its class."""
            height, width = 1 + label // 2, 2 if label % 2 == 0 else 6
            top, left = (8 - height) // 2, (8 - width) // 2
            return [rng.randrange(180, 256) if 0 <= y - top < height and 0 <= x - left < width else rng.randrange(60)
                    for y in range(8) for x in range(8)]

        classes = [f"size {i}" for i in range(10)]
        self.folder("sizes", classes, picture, 8, 1, 40)
        self.train_and_predict("sizes", classes)

    def test_rgb_pictures_of_32_x_32_in_3_classes(self):
        # All of the luma 53 (ITU-R BT.601): as grey pictures they would be alike.
        colors = {"blue": (0, 40, 255), "green": (0, 90, 0), "red": (177, 0, 0)}

        def picture(rng, label):
            color = list(colors.values())[label]
            return [min(255, value + rng.randrange(20)) for _ in range(32 * 32) for value in color]

        self.folder("colors", list(colors), picture, 32, 3, 40)
        self.train_and_predict("colors", list(colors))


if __name__ == "__main__":
    unittest.main()
