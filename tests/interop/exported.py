"""What the tests of formats share: small colour pictures, models trained on them, and Lapel's answers."""

import json
import pathlib
import random
import re
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "apps")]
from sandbox import CLASSES, Sandbox, idx  # noqa: E402

HEIGHT, WIDTH, CHANNELS = 9, 8, 3
TRAIN, TEST = 48, 12
TOLERANCE = 1e-5


class Workshop(Sandbox):
    """A sandbox with colour pictures; `pictures` are those of its test part, n, h, w, c."""

    def __init__(self, lapel, folder):
        super().__init__(lapel, folder)
        rng = random.Random(3)
        self.path("data").mkdir()
        for split, count in (("train", TRAIN), ("t10k", TEST)):
            labels = [i % len(CLASSES) for i in range(count)]
            shape = [count, HEIGHT, WIDTH, CHANNELS]
            pixels = [min(255, rng.randrange(0, 160) + (90 if place // 8 % 3 == label else 0))
                      for label in labels for place in range(HEIGHT * WIDTH * CHANNELS)]
            self.path(f"data/{split}-images-idx4-ubyte").write_bytes(idx(shape, pixels))
            self.path(f"data/{split}-labels-idx1-ubyte").write_bytes(idx([count], labels))
        self.path("data/class_names.txt").write_text("\n".join(CLASSES) + "\n")
        self.pictures = np.array(pixels, np.uint8).reshape(shape)

    def call(self, *words):
        result = self.run(*words)
        assert (result.code, result.stderr) == (0, ""), (words, result.stderr)
        return result.stdout

    def train(self, name, recipe):
        self.recipe(f"{name}.toml", recipe)
        self.call("train", f"{name}.toml", "--out", name, "--plot-format", "none")

    def answers(self, run):
        """Lapel's probabilities of the test pictures, in float32."""
        rows = json.loads(self.call("predict", run, "--index", *map(str, range(TEST)), "--top", str(len(CLASSES)), "--json",
                                    "--precision", "float32"))
        table = np.zeros((TEST, len(CLASSES)))
        for row, entry in zip(table, rows):
            for ranked in entry["predictions"]:
                row[ranked["label"]] = ranked["probability"]
        return table

    def known_layers(self):
        """The types of Lapel's table of layers, from the error that lists them."""
        self.recipe("unknown.toml", 'name = "u"\nlayers = [{ type = "?" }]\n[data]\nsource = "data"\n')
        error = self.run("train", "unknown.toml", "--out", "unknown").stderr
        return set(re.search(r"^ +known +(.*?)( +try .*)?$", error, re.MULTILINE)[1].split(", "))
