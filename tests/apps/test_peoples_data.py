#!/usr/bin/env python3
"""The data that people have: a test for every line of docs/data.md, "What is read, what is left out, what is refused".

usage: test_peoples_data.py LAPEL [unittest options]
"""

import csv
import json
import os
import pathlib
import shutil
import struct
import sys
import tempfile
import unittest
import unicodedata
import zipfile
import zlib

from sandbox import SOURCE, Sandbox, idx, png

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
PICTURES = SOURCE / "tests" / "data" / "pictures"
EXPECTED = json.loads((PICTURES / "expected.json").read_text())

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


def coloured_png(width, height, pixels, kind, palette=b"", transparent=b""):
    """A PNG of 8 bits: kind 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    line = len(pixels) // height
    rows = b"".join(b"\0" + bytes(pixels[y * line : (y + 1) * line]) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    extra = (chunk(b"PLTE", palette) if palette else b"") + (chunk(b"tRNS", transparent) if transparent else b"")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class PeoplesData(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-people-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(LAPEL, folder.name)

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

    # Pictures

    def pixels(self, name, *words):
        """What is read from one file: width, height and RGB."""
        folder = f"one-{name}"
        self.put(f"{folder}/a/0{pathlib.Path(name).suffix}", (PICTURES / name).read_bytes())
        shutil.rmtree(self.box.path(f"{folder}-idx"), ignore_errors=True)
        self.lapel("data", "convert", folder, f"{folder}-idx", "--to", "idx", "--set", "data.color_mode=rgb", *words)
        data = self.box.path(f"{folder}-idx/train-images-idx4-ubyte").read_bytes()
        count, height, width, channels = struct.unpack(">4I", data[4:20])
        self.assertEqual((count, channels), (1, 3))
        return width, height, data[20:]

    def assert_like_pillow(self, name, most=2):
        expected = EXPECTED[name]
        width, height, pixels = self.pixels(name)
        self.assertEqual((width, height), (expected["width"], expected["height"]), name)
        worst = max(abs(a - b) for a, b in zip(pixels, expected["pixels"]))
        self.assertLessEqual(worst, most, name)

    def test_pictures_are_read_as_pillow_reads_them(self):
        for name in EXPECTED:
            with self.subTest(name):
                # Pillow's GIF and palettes are exact too; lossy kinds differ by a step of rounding.
                self.assert_like_pillow(name)

    def test_all_kinds_of_pictures_count(self):
        self.folders("data")
        for kind in ("bmp", "gif", "tif", "webp"):
            name = "plain-lossy.webp" if kind == "webp" else f"plain.{kind}"
            self.put(f"data/bar/x.{kind}", (PICTURES / name).read_bytes())
        # And under another ending, or none.
        self.put("data/bar/y.jpg", (PICTURES / "plain-lossy.webp").read_bytes())
        self.put("data/bar/z", (PICTURES / "plain.gif").read_bytes())
        self.assertEqual(self.counts("data"), [10, 4, 4])

    def test_orientation_changes_no_answer(self):
        self.folders("data", 20)
        self.train()
        upright = EXPECTED["orientation-1.jpg"]
        del upright
        for name in ("orientation-1.jpg", "orientation-6.jpg", "orientation-8.jpg"):
            self.put(f"photos/{name}", (PICTURES / name).read_bytes())
        answers = json.loads(self.lapel("predict", "run", "photos", "--json"))
        self.assertEqual(len(answers), 3)
        self.assertIn("note: 1 pictures turned as their EXIF data say",
                      self.words_of_one("orientation-6.jpg"))

    def words_of_one(self, name):
        self.put(f"said/a/{name}", (PICTURES / name).read_bytes())
        return self.words_of("said")

    def test_transparency_over_what_leaves_contrast(self):
        def icon(value):
            return coloured_png(4, 4, [v for i in range(16) for v in (value, value, value, 255 if i % 3 else 0)], 6)

        for kind in "ab":
            for i in range(3):
                self.put(f"dark/{kind}/{i}.png", icon(8 * i))
                self.put(f"light/{kind}/{i}.png", icon(255 - 8 * i))
        self.assertIn("6 transparent pictures, blended over white (data.background)", self.words_of("dark"))
        self.assertIn("6 transparent pictures, blended over black (data.background)", self.words_of("light"))
        self.assertEqual(self.describe("dark")["splits"]["train"]["max_pixel"], 255)
        black = self.describe("dark", "--set", "data.background=black")
        self.assertLess(black["splits"]["train"]["max_pixel"], 20)

    def test_all_black_is_a_warning(self):
        for kind in "ab":
            for i in range(3):
                self.put(f"data/{kind}/{i}.png", png(4, [i] * 16))
        self.assertIn("warning: the training pictures show nearly nothing: their pixels are 0 to 2, of 0 to 255",
                      self.words_of("data"))

    def test_several_sizes(self):
        for i, side in enumerate((10, 12, 20)):
            self.put(f"data/a/{i}.png", png(side, [9] * side * side))
            self.put(f"data/b/{i + 3}.png", png(side, [200] * side * side))
        self.assertEqual(self.describe("data")["splits"]["train"]["shape"], [6, 12, 12, 1])
        self.assertIn("brought to 12 x 12 (the middle of theirs, 10 x 10 to 20 x 20", self.words_of("data"))
        small = self.describe("data", "--set", "data.largest_size=6")
        self.assertEqual(small["splits"]["train"]["shape"], [6, 6, 6, 1])

    def test_fit(self):
        tall = [0, 0, 100, 100, 200, 200, 250, 250]
        self.put("data/a/0.png", coloured_png(2, 4, tall, 0))
        self.put("data/b/1.png", coloured_png(2, 4, tall, 0))

        def picture(fit):
            self.lapel("data", "convert", "data", f"to-{fit}", "--to", "idx", "--set", "data.image_size=[4,4]",
                       "--set", f"data.fit={fit}")
            return list(self.box.path(f"to-{fit}/train-images-idx3-ubyte").read_bytes()[16:32])

        self.assertEqual(picture("pad"), [v for row in (0, 100, 200, 250) for v in (0, row, row, 0)])
        cropped = picture("crop")
        self.assertEqual(cropped[::4], cropped[3::4])
        self.assertTrue(80 < cropped[0] <= 110 and 190 <= cropped[12] < 220, cropped)
        self.assertEqual(picture("stretch")[::4], [0, 100, 200, 250])

    def test_damaged_pictures_are_all_named(self):
        self.folders("data", 12)
        for name in ("bar/bar3", "disc/disc7"):
            whole = self.box.path(f"data/{name}.png").read_bytes()
            self.put(f"data/{name}.png", whole[:-20])
        words = self.refused("data", "describe", "data")
        self.assertIn("2 pictures in all cannot be read", words)
        self.assertIn("bar/bar3.png, disc/disc7.png", words)
        accepted = self.describe("data", "--set", 'data.ignore=["damaged"]')
        self.assertEqual(accepted["splits"]["train"]["class_counts"], [11, 12, 11])
        self.assertEqual(accepted["findings"][0]["count"], 2)

    def test_other_kinds_are_left_out_and_counted(self):
        self.folders("data", 20)
        self.put("data/bar/photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
        self.put("data/cross/raw.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
        self.put("data/disc/notes.txt", "about the discs")
        words = self.words_of("data")
        self.assertIn("left out: 2 pictures of a kind that is not read", words)
        self.assertIn("bar/photo.heic", words)
        self.assertIn("left out: 1 files that are no pictures (disc/notes.txt)", words)
        self.assertEqual(self.counts("data"), [20, 20, 20])

    def test_more_than_a_tenth_is_an_error(self):
        self.folders("data")
        for i in range(2):
            self.put(f"data/bar/photo{i}.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
        words = self.refused("data", "describe", "data")
        self.assertIn("2 of the 6 files of this class are left out", words)
        self.assertIn("data.ignore=[\"*.heic\"]", words)
        accepted = self.describe("data", "--set", 'data.ignore=["*.heic"]')
        self.assertEqual(accepted["splits"]["train"]["class_counts"], [4, 4, 4])

    # Layouts

    def test_folders_in_class_folders(self):
        for kind in SHAPES:
            for i in range(3):
                self.put(f"data/{kind}/part{i}/{kind}{i}.png", png(SIDE, shape(kind)))
        self.assertEqual(self.counts("data"), [3, 3, 3])
        self.assertIn("9 pictures in folders within a class's folder", self.words_of("data"))

    def test_parts_by_other_names(self):
        for train, validation, test in (("Train", "Valid", "Test"), ("training", "validation", "testing"),
                                        ("Training Set", "dev", "Test Set"), ("seg_train", "seg_val", "seg_test")):
            name = f"data {train}"
            self.folders(f"{name}/{train}", 3)
            self.folders(f"{name}/{validation}", 2, first=3)
            self.folders(f"{name}/{test}", 1, first=5)
            described = self.describe(name)
            self.assertEqual({key: value["class_counts"] for key, value in described["splits"].items()},
                             {"train": [3] * 3, "validation": [2] * 3, "test": [1] * 3}, name)

    def test_a_class_that_is_named_train(self):
        self.folders("data", 3, ("bus", "car", "train"))
        self.assertEqual(self.describe("data")["class_names"], ["bus", "car", "train"])

    def test_a_part_in_a_folder_of_its_name(self):
        self.folders("data/seg_train/seg_train", 3)
        self.folders("data/seg_test/seg_test", 2)
        self.assertEqual(self.counts("data"), [3, 3, 3])
        self.assertEqual(self.counts("data", "test"), [2, 2, 2])

    def test_one_folder_down(self):
        self.folders("down/archive/data", 3)
        self.put("down/readme.txt", "unpack")
        self.assertEqual(self.counts("down"), [3, 3, 3])
        self.assertIn("note: read from archive/data", self.words_of("down"))

    def test_idx_in_folders_of_their_names(self):
        for part, count in (("train", 6), ("t10k", 3)):
            images, labels = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
            self.put(f"data/{images}/{images}", idx([count, 2, 2], range(4 * count)))
            self.put(f"data/{labels}/{labels}", idx([count], [i % 3 for i in range(count)]))
        self.assertEqual(self.counts("data"), [2, 2, 2])
        self.assertEqual(self.counts("data", "test"), [1, 1, 1])

    def test_system_folders_are_no_classes(self):
        self.folders("data", 3)
        for junk in ("__MACOSX", ".ipynb_checkpoints", "@eaDir"):
            self.put(f"data/{junk}/x.png", png(SIDE, shape("bar")))
        self.put("data/bar/._bar0.png", b"resource")
        self.put("data/bar/Thumbs.db", b"thumbs")
        self.assertEqual(self.counts("data"), [3, 3, 3])
        self.assertEqual(self.words_of("data"), "")

    def test_an_empty_class_folder_is_left_out(self):
        self.folders("data", 3)
        self.box.path("data/empty").mkdir()
        self.assertEqual(self.describe("data")["class_names"], list(SHAPES))

    def test_folders_beside_the_parts_are_said(self):
        self.folders("data/train", 3)
        self.folders("data/test", 2)
        self.put("data/pred/x.png", png(SIDE, shape("bar")))
        self.assertIn("left out: 1 folders beside the parts of the data set (pred)", self.words_of("data"))

    def test_parts_within_classes_are_refused(self):
        for kind in SHAPES:
            for part in ("train", "test"):
                self.put(f"data/{kind}/{part}/{kind}.png", png(SIDE, shape(kind)))
        self.assertIn("the classes hold the parts", self.refused("data", "describe", "data"))

    def test_a_test_part_alone_is_measured_not_trained(self):
        self.folders("data/test", 3, ("bar",))
        self.assertEqual(self.describe("data")["splits"]["test"]["class_counts"], [3])
        self.put("net.toml", NET)
        self.assertIn("there are no samples to train on", self.refused("train", "net.toml", "--data", "data", code=2))

    def test_one_class_is_measured_not_trained(self):
        self.folders("data", 10)
        self.folders("one", 5, ("disc",), first=20)
        self.train()
        self.assertEqual(self.evaluate("--data", "one")["samples"], 5)
        self.assertGreater(self.evaluate("--data", "one")["accuracy"], 0.9)
        self.assertIn("holds one class only", self.refused("train", "net.toml", "--data", "one"))

    def test_what_is_not_understood_says_what_is_there(self):
        self.put("data/a.txt", "a")
        self.put("data/b.mat", "b")
        words = self.refused("data", "describe", "data")
        self.assertIn("files: 1 .mat, 1 .txt (a.txt, b.mat)", words)
        self.assertIn("FOLDER/train/CLASS/picture.png", words)

    def test_a_validation_folder_is_the_validation_part(self):
        self.folders("data/train", 8)
        self.folders("data/val", 4, first=8)
        self.folders("data/test", 4, first=12)
        self.train()
        self.assertEqual(self.metrics()["val"]["samples"], 12)
        self.assertEqual(self.metrics()["train"]["samples"], 24)
        self.assertTrue((self.box.path("run/history.csv").read_text().split("\n")[1]).split(",")[3])
        self.assertEqual(self.evaluate("--split", "validation")["samples"], 12)

    def test_test_pictures_from_another_place(self):
        self.folders("a", 8)
        self.folders("b", 3, first=10)
        self.train("a", "--test-data", "b")
        self.assertEqual(self.metrics()["train"]["samples"], 24)
        self.assertEqual(self.metrics()["test"]["samples"], 9)
        self.assertEqual(self.evaluate()["samples"], 9)

    # CSV

    def table(self, kinds, label=lambda i, kind: SHAPES.index(kind), scale=1, separator=","):
        return [[str(v * scale if scale != 1 else v) for v in shape(kind, i % 20)] for i, kind in enumerate(kinds)]

    def csv_rows(self, count=30):
        kinds = [SHAPES[(i * 7) % 3] for i in range(count)]
        return [(SHAPES.index(kind), shape(kind, i % 20)) for i, kind in enumerate(kinds)]

    def assert_three_classes(self, name, count=30):
        described = self.describe(name)
        self.assertEqual(described["splits"]["train"]["shape"], [count, SIDE, SIDE, 1])
        self.assertEqual(described["splits"]["train"]["class_counts"], [count // 3] * 3)
        return described

    def test_csv_with_the_label_anywhere(self):
        rows = self.csv_rows()
        pixels = [f"pixel{i}" for i in range(SIDE * SIDE)]
        for word in ("label", "class", "target", "Label", "CLASS"):
            for at in (0, 5, SIDE * SIDE):
                header = pixels[:at] + [word] + pixels[at:]
                lines = [[*map(str, values[:at]), str(label), *map(str, values[at:])] for label, values in rows]
                self.put("x.csv", "\n".join(",".join(line) for line in [header, *lines]))
                self.assert_three_classes("x.csv")

    def test_csv_without_names(self):
        rows = self.csv_rows()
        first = [[label, *values] for label, values in rows]
        last = [[*values, label] for label, values in rows]
        self.put("first.csv", "\n".join(",".join(map(str, line)) for line in first))
        self.assert_three_classes("first.csv")
        numbered = [list(range(SIDE * SIDE + 1)), *first]
        self.put("numbered.csv", "\n".join(",".join(map(str, line)) for line in numbered))
        self.assert_three_classes("numbered.csv")
        self.assertIn("the first line counts the columns", self.words_of("numbered.csv"))
        self.put("last.csv", "\n".join(",".join(map(str, [*line[:-1], line[-1]])) for line in last))
        result = self.box.run("data", "describe", "last.csv")
        self.assertTrue(result.code == 1 and "may be in column" in result.stderr or "column 65" in result.stdout,
                        result.stdout + result.stderr)

    def test_csv_whose_labels_may_be_in_two_columns(self):
        rows = [[i % 2, *shape(SHAPES[i % 3])[1:], i % 3] for i in range(30)]
        self.put("x.csv", "\n".join(",".join(map(str, row)) for row in rows))
        words = self.refused("data", "describe", "x.csv")
        self.assertIn("the labels may be in column 1 or in column 65", words)
        self.assertIn("a first line that names the columns", words)

    def test_csv_with_other_columns(self):
        rows = self.csv_rows()
        header = ["", "label", "filename", *(f"p{i}" for i in range(SIDE * SIDE))]
        lines = [[i, label, f"img{i}.png", *values] for i, (label, values) in enumerate(rows)]
        self.put("x.csv", "\n".join(",".join(map(str, line)) for line in [header, *lines]))
        self.assert_three_classes("x.csv")
        self.assertIn('left out: 2 columns that are no pixels in x.csv (column "", column "filename")',
                      self.words_of("x.csv"))

    def test_csv_separators_quotes_and_line_ends(self):
        rows = self.csv_rows()
        header = ["label", *(f"p{i}" for i in range(SIDE * SIDE))]
        lines = [header, *([label, *values] for label, values in rows)]
        for separator in ",;\t|":
            for quote in ("", '"'):
                for end in ("\n", "\r\n"):
                    text = end.join(separator.join(f"{quote}{value}{quote}" for value in line) for line in lines)
                    self.put("x.csv", b"\xef\xbb\xbf" + text.encode())
                    self.assert_three_classes("x.csv")
        blank = "\n\n".join(",".join(map(str, line)) for line in lines)
        self.put("x.csv", blank + "\n\n")
        self.assert_three_classes("x.csv")
        self.assertIn("30 empty lines in x.csv", self.words_of("x.csv"))

    def test_csv_values(self):
        rows = self.csv_rows()

        def put(name, value):
            lines = [[label, *map(value, values)] for label, values in rows]
            self.put(name, "\n".join(",".join(map(str, line)) for line in lines))

        put("whole.csv", lambda v: v)
        put("share.csv", lambda v: f"{v / 255:.6f}")
        put("decimal.csv", lambda v: f"{v}.0")
        for name in ("share", "decimal"):
            for form in ("whole", name):
                if not self.box.path(f"{form}-idx").exists():
                    self.lapel("data", "convert", f"{form}.csv", f"{form}-idx", "--to", "idx")
            self.assertEqual(self.box.path("whole-idx/train-images-idx3-ubyte").read_bytes(),
                             self.box.path(f"{name}-idx/train-images-idx3-ubyte").read_bytes(), name)
        self.assertIn("pixels from 0 to 1 are multiplied by 255", self.words_of("share.csv"))
        names = ["label", *(f"p{i}" for i in range(SIDE * SIDE))]
        lines = [names, *([label, *(int(v > 100) for v in values)] for label, values in rows)]
        self.put("ones.csv", "\n".join(",".join(map(str, line)) for line in lines))
        self.assertEqual(self.describe("ones.csv")["splits"]["train"]["max_pixel"], 255)
        put("negative.csv", lambda v: v / 127.5 - 1)
        self.assertIn("is not from 0 to 255", self.refused("data", "describe", "negative.csv"))

    def test_csv_of_words(self):
        rows = self.csv_rows()
        for name, quote in (("a", ""), ("b", '"')):
            lines = [[f"{quote}{SHAPES[label]}{quote}", *values] for label, values in rows]
            self.put(f"{name}/train.csv", "\n".join(",".join(map(str, line)) for line in lines))
            self.put(f"{name}/test.csv", "\n".join(",".join(map(str, line)) for line in lines[:4]))
            described = self.assert_three_classes(name)
            self.assertEqual(described["class_names"], list(SHAPES))
            self.assertEqual(sum(described["splits"]["test"]["class_counts"]), 4)

    def test_kaggle_digits(self):
        rows = self.csv_rows(60)
        names = [f"pixel{i}" for i in range(SIDE * SIDE)]
        self.put("data/train.csv", "\n".join(
            ",".join(map(str, line)) for line in [["label", *names], *([label, *v] for label, v in rows)]))
        self.put("data/test.csv", "\n".join(",".join(map(str, line)) for line in [names, *(v for _, v in rows[:5])]))
        self.put("data/sample_submission.csv", "ImageId,Label\n1,0\n")
        self.assertIn("CSV files without labels", self.words_of("data"))
        self.assertIn("CSV files beside the parts of the data set (sample_submission.csv)", self.words_of("data"))
        self.train("data/train.csv")
        answers = json.loads(self.lapel("predict", "run", "data/test.csv", "--json"))
        names = [answer["predictions"][0]["name"] for answer in answers]
        self.assertEqual(names, [str(label) for label, _ in rows[:5]])
        one = json.loads(self.lapel("predict", "run", "--data", "data/test.csv", "--index", "1", "--json"))
        self.assertEqual(one[0]["predictions"][0]["name"], str(rows[1][0]))

    def test_utf_16_is_named(self):
        self.put("x.csv", "label,p0\n1,2\n".encode("utf-16"))
        self.assertIn("UTF-16", self.refused("data", "describe", "x.csv"))

    # Classes

    def test_labels_from_one_and_with_gaps(self):
        for name, numbers in (("one", (1, 2, 3)), ("gaps", (0, 5, 9))):
            rows = [[numbers[label], *values] for label, values in self.csv_rows(60)]
            self.put(f"{name}.csv", "\n".join(",".join(map(str, row)) for row in rows))
            described = self.describe(f"{name}.csv")
            self.assertEqual(described["class_names"], [str(number) for number in numbers])
            self.assertIn("that no label is", self.words_of(f"{name}.csv"))
        self.train("one.csv")
        measured = self.evaluate("--data", "one.csv", "--split", "train")
        self.assertEqual([one["name"] for one in measured["classes"]], ["1", "2", "3"])

    def test_averages_over_the_classes_that_occur(self):
        rows = [[label, *values] for label, values in self.csv_rows(60)]
        self.put("data/train.csv", "\n".join(",".join(map(str, row)) for row in rows))
        self.put("data/class_names.txt", "bar\ncross\ndisc\nnever\n")
        self.assertIn("warning: 1 classes without a training picture (never)", self.words_of("data"))
        self.train()
        self.assertGreater(self.evaluate("--split", "train")["macro_avg"]["f1"], 0.9)
        self.assertIn("No picture, and no answer, is of: never", self.lapel("evaluate", "run", "--split", "train"))

    def test_a_subset_of_numbered_classes(self):
        for i, kind in enumerate(SHAPES):
            for j in range(12):
                self.put(f"data/{i}/{i * 100 + j}.png", png(SIDE, shape(kind, j)))
                if i > 0:
                    self.put(f"other/{i}/{i * 100 + j}.png", png(SIDE, shape(kind, 12 + j)))
        self.train()
        measured = self.evaluate("--data", "other")
        self.assertGreater(measured["accuracy"], 0.9)
        self.assertEqual([one["support"] for one in measured["classes"]], [0, 12, 12])

    def test_names_against_numbers(self):
        rows = [[label, *values] for label, values in self.csv_rows(60)]
        self.put("numbers/train.csv", "\n".join(",".join(map(str, row)) for row in rows))
        self.folders("names", 12)
        self.put("named/train.csv", "\n".join(",".join(map(str, row)) for row in rows))
        self.put("named/class_names.txt", "\n".join(SHAPES))
        self.train("numbers", run="run")
        # Names of folders have no numbers; those of a class_names.txt have.
        self.assertIn("the classes of the data have names, those of the model are numbers",
                      self.refused("evaluate", "run", "--data", "names"))
        self.assertGreater(self.evaluate("--data", "named")["accuracy"], 0.9)
        self.assertIn("classes matched by number", self.lapel("evaluate", "run", "--data", "named"))
        shutil.rmtree(self.box.path("run"))
        self.train("names")
        self.assertIn("0 is taken for bar", self.lapel("evaluate", "run", "--data", "numbers"))

    def test_class_names_twice(self):
        rows = [[label, *values] for label, values in self.csv_rows()]
        self.put("data/train.csv", "\n".join(",".join(map(str, row)) for row in rows))
        for first, second in (("bar", "bar"), ("café", unicodedata.normalize("NFD", "café")), ("bar", " bar ")):
            self.put("data/class_names.txt", f"{first}\n{second}\ndisc\n")
            self.assertIn("is there twice", self.refused("data", "describe", "data"))

    def test_unicode_forms_are_one_name(self):
        composed, split = "café", unicodedata.normalize("NFD", "café")
        for kind in (split, "tea"):
            for i in range(8):
                self.put(f"data/{kind}/{i}{kind[0]}.png", png(SIDE, shape("bar" if kind == "tea" else "disc", i)))
        for i in range(4):
            self.put(f"other/{composed}/{i}.png", png(SIDE, shape("disc", 9 + i)))
        self.train()
        self.assertEqual(self.describe("data")["class_names"], [composed, "tea"])
        self.assertGreater(self.evaluate("--data", "other")["accuracy"], 0.9)

    def test_names_that_are_refused(self):
        for raw in (b"caf\xe9", b"a\nb", b"a\x07"):
            folder = os.fsencode(self.box.folder) + b"/refused/" + raw
            os.makedirs(folder)
            pathlib.Path(os.fsdecode(folder), "0.png").write_bytes(png(SIDE, shape("bar")))
            self.put("refused/tea/1.png", png(SIDE, shape("disc")))
            words = self.refused("data", "describe", "refused")
            self.assertIn("the class name", words)
            self.refused("data", "convert", "refused", "x", "--to", "csv")
            shutil.rmtree(os.fsencode(self.box.folder) + b"/refused")

    def test_outer_blanks_go_through_convert(self):
        self.folders("data", 3, (" a", "b "))
        self.lapel("data", "convert", "data", "as-csv", "--to", "csv")
        self.assertEqual(self.describe("data")["class_names"], ["a", "b"])
        self.assertEqual(self.describe("as-csv")["class_names"], ["a", "b"])

    # Parts

    def test_a_part_is_held_out(self):
        self.folders("data", 20)
        said = self.train()
        self.assertIn("15% of each class, 9 pictures, are held out", said)
        self.assertEqual(self.metrics()["test"]["samples"], 9)
        self.assertEqual(self.metrics()["train"]["samples"], 51)
        self.assertEqual(self.evaluate()["samples"], 9)
        self.assertEqual(self.evaluate()["loss"], self.metrics()["test"]["loss"])
        self.assertIn("held out of the training", self.lapel("evaluate", "run"))

    def test_other_data_are_measured_whole(self):
        self.folders("data", 10)
        self.folders("other", 10, first=10)
        self.train("data", "--set", "data.test_split=0.3")
        self.assertEqual(self.evaluate("--data", "other")["samples"], 30)
        self.assertEqual(self.evaluate("--data", "other", "--split", "train")["samples"], 30)
        self.assertEqual(self.evaluate("--data", "data")["samples"], 9)
        self.assertEqual(self.evaluate("--split", "all")["samples"], 30)
        self.assertIn("has no test pictures", self.refused("evaluate", "run", "--data", "other", "--split", "test"))
        self.assertIn("Measured: all of other, other data than the model was trained on",
                      self.lapel("evaluate", "run", "--data", "other"))

    def ordered(self, name="ordered", count=30):
        labels = [i * 3 // count for i in range(count)]
        self.put(f"{name}/train-images-idx3-ubyte",
                 idx([count, SIDE, SIDE], [v for i, k in enumerate(labels) for v in shape(SHAPES[k], i % 9)]))
        self.put(f"{name}/train-labels-idx1-ubyte", idx([count], labels))

    def test_ordered_data_and_validation(self):
        self.ordered(count=60)
        said = self.train("ordered", "--set", "data.validation_split=0.2")
        self.assertIn("warning: 2 classes without a validation picture", said)
        self.assertIn("(0, 1)", said)
        for i, (rule, counts) in enumerate((("stratified 20%", 12), ("random 20%", 10), ("20%", 12), ("stratified 12", 12))):
            said = self.train("ordered", "--set", f"data.validation={rule}", run=f"run{i}")
            self.assertNotIn("without a validation picture", said, rule)
            self.assertGreaterEqual(self.metrics(f"run{i}")["val"]["samples"], 9)
        words = self.refused("train", "net.toml", "--set", "data.validation=half", code=2)
        self.assertIn("stratified", words)

    def test_train_and_evaluate_agree(self):
        for part, first, count in (("train", 0, 10), ("test", 10, 7)):
            for kind in SHAPES:
                for i in range(count):
                    grey = shape(kind, first + i)
                    # Training pictures are grey, test pictures in colour.
                    content = png(SIDE, grey) if part == "train" else png(SIDE, [v for g in grey for v in (g, g // 2, g)], 3)
                    self.put(f"data/{part}/{kind}/{i}{kind}.png", content)
        self.train("data", "--set", "data.image_size=[6,5]")
        self.assertEqual(self.metrics()["test"]["loss"], self.evaluate()["loss"])
        files = sorted(self.box.path("data/test/bar").glob("*.png"))
        answers = json.loads(self.lapel("predict", "run", *map(str, files), "--json"))
        self.assertEqual(len(answers), 7)

    def test_one_way_to_bring_pictures_to_a_size(self):
        """train (its idx by convert), evaluate and predict give one picture the same probabilities."""
        self.folders("data", 12)
        for kind in SHAPES:
            for i in range(3):
                self.put(f"big/{kind}/{kind}{i}.png", png(20, [(x * y) % 256 for y in range(20) for x in range(20)]))
        for fit in ("stretch", "pad", "crop"):
            self.train("data", "--set", "data.image_size=[7,5]", "--set", f"data.fit={fit}", run=f"run-{fit}")
            self.lapel("data", "convert", "big", f"small-{fit}", "--to", "idx", "--set", "data.image_size=[7,5]",
                       "--set", f"data.fit={fit}")
            by_file = json.loads(self.lapel("predict", f"run-{fit}", "big/bar/bar0.png", "--json"))
            by_data = json.loads(self.lapel("predict", f"run-{fit}", "--data", "big", "--index", "0", "--json"))
            by_idx = json.loads(self.lapel("predict", f"run-{fit}", "--data", f"small-{fit}", "--index", "0", "--json"))
            self.assertEqual(by_file[0]["predictions"], by_data[0]["predictions"])
            self.assertEqual(by_file[0]["predictions"], by_idx[0]["predictions"])

    # Many pictures

    def test_predict_many(self):
        self.folders("data", 20)
        self.train()
        for i, kind in enumerate(("bar", "disc", "cross", "bar", "disc")):
            self.put(f"new/p{i * 3}.png", png(SIDE, shape(kind, 30)))
        self.put("new/p4.png", self.box.path("new/p3.png").read_bytes()[:-30])
        self.put("new/readme.txt", "no picture")
        result = self.box.run("predict", "run", "new", "--csv", "out.csv", "--copy-to", "sorted")
        self.assertEqual(result.code, 1)
        self.assertIn("not read: new/p4.png: the PNG picture is damaged", result.stderr)
        self.assertIn("1 of 6 pictures could not be read", result.stderr)
        with self.box.path("out.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["input"] for row in rows],
                         [f"new/p{i}.png" for i in (0, 3, 4, 6, 9, 12)])
        self.assertEqual([row["class"] for row in rows], ["bar", "disc", "", "cross", "bar", "disc"])
        self.assertEqual(sorted(p.name for p in self.box.path("sorted/bar").iterdir()), ["p0.png", "p9.png"])
        unsure = self.box.run("predict", "run", "new", "--csv", "-", "--min-confidence", "1")
        self.assertIn("new/p0.png,unsure,", unsure.stdout)
        with zipfile.ZipFile(self.box.path("new.zip"), "w") as archive:
            for file in sorted(self.box.path("new").glob("p[0369].png")):
                archive.write(file, f"inside/{file.name}")
        packed = json.loads(self.box.run("predict", "run", "new.zip", "--json").stdout)
        self.assertEqual([one["input"] for one in packed], [f"new.zip:inside/p{i}.png" for i in (0, 3, 6, 9)])
        lines = self.box.run("predict", "run", "new/p0.png", "new/p3.png", "--jsonl", "-").stdout.split("\n")
        self.assertEqual([json.loads(line)["predictions"][0]["name"] for line in lines[:2]], ["bar", "disc"])

    # Runs

    def test_two_trainings_at_once_take_two_folders(self):
        self.folders("data", 8)
        self.put("net.toml", NET)
        started = [self.box.start("train", "net.toml", "--plot-format", "none") for _ in range(3)]
        for process in started:
            self.assertEqual(process.communicate()[1], b"")
            self.assertEqual(process.returncode, 0)
        self.assertEqual(sorted(p.name for p in self.box.path("runs").iterdir()), ["net", "net-2", "net-3"])

    def test_a_second_resume_is_refused(self):
        self.folders("data", 8)
        self.put("net.toml", NET)
        folder = self.box.path("run")
        folder.mkdir()
        # Held as a training holds it.
        import fcntl
        with open(folder / ".lock", "w") as lock:
            lock.write("4711")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "recipe.toml").write_text(NET)
            words = self.refused("train", "--resume", "run", code=2)
            self.assertIn("another process trains in this folder", words)
            self.assertIn("process  4711", words)

    def test_more_epochs_on_a_finished_run(self):
        self.folders("data", 8)
        self.train("data", "--set", "train.epochs=3")
        self.assertIn("lapel train --continue", self.refused("train", "--resume", "run", code=2))
        self.lapel("train", "--continue", "run", "--set", "train.epochs=+4", "--out", "more", "--plot-format", "none")
        self.assertEqual(self.metrics("more")["epochs"], 4)
        first = self.box.path("run/history.csv").read_text().split("\n")[-2].split(",")
        then = self.box.path("more/history.csv").read_text().split("\n")[1].split(",")
        self.assertLess(float(then[2]), float(first[2]))
        self.lapel("train", "--continue", "run", "--set", "train.epochs=5", "--out", "in-all", "--plot-format", "none")
        self.assertEqual(self.metrics("in-all")["epochs"], 2)
        self.refused("train", "--continue", "run", "--set", "train.epochs=3", code=2)
        self.refused("train", "--continue", "run", code=2)

    def test_interrupted_while_pictures_are_read(self):
        self.folders("data/train", 1)
        # A pipe that nobody writes to: reading waits, as from a slow disk.
        import signal
        import time
        source = self.box.path("data/train/bar/bar0.png")
        for i in range(3000):
            os.link(source, source.with_name(f"x{i}.png"))
        self.put("net.toml", NET)
        process = self.box.start("train", "net.toml", "--out", "run", "--plot-format", "none", "--set",
                                 "data.image_size=[200,200]")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
        self.assertEqual(process.returncode, 130, stderr)
        self.assertIn(b"interrupted", stderr)
        self.assertFalse(self.box.path("run").exists())

    def test_compare_of_seeds(self):
        self.folders("data", 12)
        for seed in (1, 2):
            self.train("data", "--set", f"train.seed={seed}", "--set", "data.validation=stratified 20%", run=f"run{seed}")
        self.train("data", "--set", "train.batch_size=4", run="other")
        runs = ("run1", "run2", "other")
        text = self.lapel("compare", *runs)
        self.assertIn("net, 2 seeds", text)
        self.assertIn("validation)", text)
        compared = json.loads(self.lapel("compare", *runs, "--json"))
        self.assertEqual([one["seed"] for one in compared["runs"]], [1, 2, 1])
        self.assertEqual(len(compared["means"]), 1)
        accuracies = [one["test_accuracy"] for one in compared["runs"][:2]]
        self.assertAlmostEqual(compared["means"][0]["test_accuracy"]["mean"], sum(accuracies) / 2)
        rows = list(csv.DictReader(self.lapel("compare", *runs, "--csv").splitlines()))
        self.assertEqual([float(row["parameters"]) for row in rows], [one["parameters"] for one in compared["runs"]])
        self.lapel("compare", *runs, "--html", "runs.html")
        self.assertIn("<td>run1</td>", self.box.path("runs.html").read_text())

    def test_mirroring_is_measured(self):
        def arrow(to_the_right, shift):
            def inside(x, y):
                x = x if to_the_right else SIDE - 1 - x
                return y == 3 and x > 0 or abs(y - 3) == 7 - x and x > 4
            return [230 - shift if inside(x, y) else 10 + shift for y in range(SIDE) for x in range(SIDE)]

        def box(tall, shift):
            def inside(x, y):
                return 3 <= (y if tall else x) <= 4 and 1 <= (x if tall else y) <= 6
            return [230 - shift if inside(x, y) else 10 + shift for y in range(SIDE) for x in range(SIDE)]

        for i in range(40):
            for side in (True, False):
                self.put(f"arrows/{'right' if side else 'left'}/{2 * i + side}.png", png(SIDE, arrow(side, i)))
                self.put(f"boxes/{'tall' if side else 'wide'}/{2 * i + side}.png", png(SIDE, box(side, i)))
        for data, mirrored in (("arrows", False), ("boxes", True)):
            said = self.lapel("train", "--data", data, "--set", "train.epochs=2", "--out", data + "-run",
                              "--plot-format", "none")
            expected = "mirrored pictures are trained on as well" if mirrored else "pictures are not mirrored"
            self.assertIn(expected, said)
            recipe = self.box.path(f"{data}-run/recipe.toml").read_text()
            self.assertEqual("RandomFlip" in recipe, mirrored)
            self.assertEqual(self.metrics(f"{data}-run")["test_time_augmentation"], "flip+shift" if mirrored else "none")
            self.assertIn(expected, self.box.path(f"{data}-run/report.txt").read_text())

    def test_every_recipe_trains_on_nine_classes(self):
        for i in range(9):
            for j in range(6):
                pixels = [250 if (x + y * 28) // 88 == i else 5 * j for y in range(28) for x in range(28)]
                self.put(f"data/class {i}/{j * 9 + i}.png", png(28, pixels))
        for file in sorted((SOURCE / "recipes").glob("*.toml")):
            with self.subTest(file.stem):
                self.lapel("train", file.stem, "--data", "data", "--out", f"run-{file.stem}", "--plot-format", "none",
                           "--set", "train.epochs=1", "--set", "data.validation=20%", "--set", "train.ensemble=1",
                           "--set", "train.mirroring=keep")
                self.assertEqual(len(json.loads(self.lapel("evaluate", f"run-{file.stem}", "--json"))["classes"]), 9)


if __name__ == "__main__":
    unittest.main()
