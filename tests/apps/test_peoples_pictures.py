#!/usr/bin/env python3
"""Pictures of people's own: what is read from them, and how they are brought to one form.

A test of a line of the list in docs/data.md says which.

usage: test_peoples_pictures.py LAPEL [unittest options]
"""

import csv
import json
import pathlib
import shutil
import struct
import sys
import unittest
import zipfile

from people import SHAPES, SIDE, PeoplesData, coloured_png, shape, tests
from sandbox import SOURCE, png

if len(sys.argv) > 1:
    PeoplesData.program = sys.argv.pop(1)
PICTURES = SOURCE / "tests" / "data" / "pictures"
EXPECTED = json.loads((PICTURES / "expected.json").read_text())


class PeoplesPictures(PeoplesData):
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

    @tests("EXIF orientation 1 to 8 (JPEG, PNG, WebP, TIFF)",
           "CMYK and YCCK JPEG, with and without Adobe's marker; CMYK TIFF",
           "embedded colour profiles: grey, RGB, CMYK")
    def test_pictures_are_read_as_pillow_reads_them(self):
        for name in EXPECTED:
            with self.subTest(name):
                # Pillow's GIF and palettes are exact too; lossy kinds differ by a step of rounding.
                self.assert_like_pillow(name)

    @tests("PNG, JPEG, WebP, GIF, BMP, TIFF")
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

    @tests("transparency")
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

    @tests("pictures of several sizes")
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

    @tests("damaged pictures")
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

    @tests("pictures of other kinds (HEIC, AVIF, JPEG 2000, JPEG XL, PSD, SVG, raw photographs, ...)",
           "files that are not pictures")
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
        """train, evaluate, predict and convert make the same of pictures of another size, bit by bit."""
        for i, kind in enumerate(SHAPES * 4):
            side = 17 + i % 3
            pixels = [(x * y * (1 + i % 3) + 9 * i) % 256 for y in range(side) for x in range(side)]
            coloured = [value for grey in pixels for value in (grey, grey // 2, 255 - grey)]
            self.put(f"big/{kind}/{kind}{i}.png", png(side, coloured, 3))
        for fit in ("stretch", "pad", "crop"):
            brought = ("--set", "data.image_size=[7,5]", "--set", f"data.fit={fit}",
                       "--set", "data.color_mode=grayscale")
            run, small = f"run-{fit}", f"small-{fit}"
            self.lapel("data", "convert", "big", small, "--to", "idx", *brought)
            described = self.describe("big", *brought)["splits"]["train"]
            self.assertEqual(described["mean_pixel"], self.describe(small)["splits"]["train"]["mean_pixel"])
            short = ("--set", "data.test_split=0", "--set", "train.epochs=2")
            self.train("big", *brought, *short, run=run)
            self.train(small, *short, "--set", f"data.fit={fit}", run=f"{run}-again")
            self.assertEqual(self.weights(run), self.weights(f"{run}-again"), "trained on the same pixels")
            measured = [json.loads(self.lapel("evaluate", run, "--data", data, "--split", "train", "--json"))
                        for data in ("big", small)]
            self.assertEqual(measured[0]["loss"], measured[1]["loss"])
            files = sorted(self.box.path("big").rglob("*.png"))
            by_file = json.loads(self.lapel("predict", run, *map(str, files), "--json"))
            of_file = {pathlib.Path(one["input"]).name: one["predictions"] for one in by_file}
            chosen = ("--split", "train", "--index", "0", "5", "11", "--json")
            by_data = [json.loads(self.lapel("predict", run, "--data", data, *chosen)) for data in ("big", small)]
            for one, other in zip(*by_data):
                self.assertEqual(one["predictions"], other["predictions"])
                self.assertIn(one["predictions"], of_file.values())

    def weights(self, run):
        """The numbers of a model file, without its head."""
        content = self.box.path(f"{run}/model.safetensors").read_bytes()
        return content[8 + int.from_bytes(content[:8], "little"):]

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

    def read_back(self, name, content):
        """The grey pixels that are read from a PNG."""
        self.put(f"{name}/a/0.png", content)
        self.lapel("data", "convert", name, f"{name}-idx", "--to", "idx", "--set", "data.color_mode=grayscale")
        return list(self.box.path(f"{name}-idx/train-images-idx3-ubyte").read_bytes()[16:])

    @tests("16 bits, palettes, interlaced")
    def test_16_bits_palettes_interlaced(self):
        values = [(i * 37) % 256 for i in range(64)]
        self.assertEqual(self.read_back("plain", coloured_png(8, 8, values, 0)), values)
        deep = [value * 257 for value in values]
        self.assertEqual(self.read_back("deep", coloured_png(8, 8, deep, 0, bits=16)), values)
        ramp = bytes(value for i in range(256) for value in (i, i, i))
        self.assertEqual(self.read_back("palette", coloured_png(8, 8, values, 3, palette=ramp)), values)
        # Adam7 (PNG specification, 8.2): first row and column of each pass, and the steps.
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        rows = [values[y * 8 + x0 : (y + 1) * 8 : dx] for y0, x0, dy, dx in passes for y in range(y0, 8, dy)]
        self.assertEqual(self.read_back("interlaced", coloured_png(8, 8, values, 0, passes=rows)), values)

    def test_transparent_colours_of_palettes_and_of_grey(self):
        ramp = bytes(value for i in range(256) for value in (i, i, i))
        values = [200, 100] * 8
        over_black = ("--set", "data.background=black", "--set", "data.color_mode=grayscale")
        for name, content in (
            ("palette", coloured_png(4, 4, values, 3, palette=ramp, transparent=bytes([255] * 200 + [0]))),
            ("grey", coloured_png(4, 4, values, 0, transparent=struct.pack(">H", 200))),
            ("alpha", coloured_png(4, 4, [v for value in values for v in (value, 0 if value == 200 else 255)], 4)),
        ):
            self.put(f"{name}/a/0.png", content)
            self.lapel("data", "convert", name, f"{name}-idx", "--to", "idx", *over_black)
            pixels = list(self.box.path(f"{name}-idx/train-images-idx3-ubyte").read_bytes()[16:])
            self.assertEqual(pixels, [0, 100] * 8, name)

    @tests("later pictures of a file that holds several")
    def test_the_first_picture_of_several_is_taken(self):
        self.folders("data", 4)
        first = (PICTURES / "plain.gif").read_bytes()
        # A second frame: the image blocks of the same file again, before the end.
        begin = first.index(b"\x2c\0\0\0\0")
        self.put("data/bar/moving.gif", first[:-1] + first[begin:])
        words = self.words_of("data")
        self.assertIn("left out: 1 ", words)
        self.assertIn("bar/moving.gif", words)
        self.assertEqual(self.counts("data"), [5, 4, 4])

    def test_memory_is_that_of_the_pictures_once(self):
        if b"__asan_init" in pathlib.Path(self.box.lapel).read_bytes():
            self.skipTest("AddressSanitizer keeps what is freed")
        pixels = [(x * y) % 256 for y in range(200) for x in range(200)]
        source = self.box.path("source.png")
        self.put("source.png", png(200, [value for value in pixels for _ in range(3)], 3))
        for kind in "ab":
            self.box.path(f"data/{kind}").mkdir(parents=True)
            for i in range(300):
                self.box.path(f"data/{kind}/{i}{kind}.png").symlink_to(source)
        # 600 pictures of 200 x 200 x 3 are 69 MiB; twice that, and the program, would be more than 150.
        code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)")
        peak = int(self.box.run("data", "describe", "data", prefix=(sys.executable, "-c", code)).stdout)
        self.assertLess(peak, 69 * 1.7)


if __name__ == "__main__":
    unittest.main()
