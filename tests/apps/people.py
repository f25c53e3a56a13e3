"""What the tests of people's data share: small pictures of shapes, a recipe, and the program in a folder of its own."""

import json
import pathlib
import struct
import tempfile
import unittest
import zlib

from sandbox import Sandbox, png

NET = """\
name = "net"
[data]
source = "data"
[[layers]]
type = "Flatten"
[[layers]]
type = "Dense"
units = 16
activation = "relu"
[[layers]]
type = "Dense"
units = 0
activation = "softmax"
[train]
epochs = 40
batch_size = 8
optimizer = { type = "Adam", learning_rate = 0.005 }
threads = 1
"""

SIDE = 8
SHAPES = ("bar", "cross", "disc")


def shape(kind, shift=0):
    """Pixels of one of three shapes, a little darker for each shift."""
    bright = 250 - shift

    def inside(x, y):
        if kind == "bar":
            return x in (3, 4)
        if kind == "cross":
            return x == y or x + y == SIDE - 1
        return (x - 3.5) ** 2 + (y - 3.5) ** 2 < 8

    return [bright if inside(x, y) else 10 + shift for y in range(SIDE) for x in range(SIDE)]


def coloured_png(width, height, pixels, kind, palette=b"", transparent=b"", bits=8, passes=None):
    """A PNG: kind 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. `passes`: interlaced, its rows pass by pass."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    line = len(pixels) // height
    rows = passes or [pixels[y * line : (y + 1) * line] for y in range(height)]
    packed = b"".join(b"\0" + b"".join(value.to_bytes(bits // 8, "big") for value in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, passes is not None)
    extra = (chunk(b"PLTE", palette) if palette else b"") + (chunk(b"tRNS", transparent) if transparent else b"")
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tests(*lines):
    """Marks what tests these lines of the list in docs/data.md, by their first cells."""

    def mark(test):
        test.lines = lines
        return test

    return mark


class PeoplesData(unittest.TestCase):
    program = "lapel"  # A test file sets it.

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-people-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(self.program, folder.name)

    def lapel(self, *words):
        result = self.box.run(*words)
        self.assertEqual((result.code, result.stderr), (0, ""), words)
        return result.stdout

    def refused(self, *words, code=1):
        result = self.box.run(*words)
        self.assertEqual(result.code, code, result.stdout + result.stderr)
        return result.stderr

    def put(self, name, content):
        file = self.box.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def folders(self, name, count=4, classes=SHAPES, first=0):
        for kind in classes:
            for i in range(count):
                self.put(f"{name}/{kind}/{kind}{i}.png", png(SIDE, shape(kind if kind in SHAPES else "bar", first + i)))

    def describe(self, name, *words):
        return json.loads(self.lapel("data", "describe", name, "--json", *words))

    def counts(self, name, split="train"):
        return self.describe(name)["splits"][split]["class_counts"]

    def words_of(self, name):
        """The findings as lines of text."""
        return "\n".join(line for line in self.lapel("data", "describe", name).split("\n")
                         if line.startswith(("left out:", "note:", "warning:")))

    def train(self, data="data", *words, run="run"):
        self.put("net.toml", NET)
        return self.lapel("train", "net.toml", "--data", data, "--out", run, "--plot-format", "none", *words)

    def evaluate(self, *words):
        return json.loads(self.lapel("evaluate", "run", "--json", *words))

    def metrics(self, run="run"):
        return json.loads(self.box.path(f"{run}/metrics.json").read_text())

    def csv_rows(self, count=30):
        kinds = [SHAPES[(i * 7) % 3] for i in range(count)]
        return [(SHAPES.index(kind), shape(kind, i % 20)) for i, kind in enumerate(kinds)]
