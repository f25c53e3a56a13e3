#!/usr/bin/env python3
"""How people's pictures lie in folders, and how they are divided.

A test of a line of the list in docs/data.md says which.

usage: test_peoples_layouts.py LAPEL [unittest options]
"""

import shutil
import sys
import unittest
import zipfile

from people import NET, SHAPES, SIDE, PeoplesData, shape, tests
from sandbox import idx, png

if len(sys.argv) > 1:
    PeoplesData.program = sys.argv.pop(1)


class PeoplesLayouts(PeoplesData):
    @tests("folders within a class's folder")
    def test_folders_in_class_folders(self):
        for kind in SHAPES:
            for i in range(3):
                self.put(f"data/{kind}/part{i}/{kind}{i}.png", png(SIDE, shape(kind)))
        self.assertEqual(self.counts("data"), [3, 3, 3])
        self.assertIn("9 pictures in folders within a class's folder", self.words_of("data"))

    @tests("`Train`, `training`, `Training Set`, `seg_train`, `valid`, `validation`, `dev`, `testing`, ...")
    def test_parts_by_other_names(self):
        for train, validation, test in (("Train", "Valid", "Test"), ("training", "validation", "testing"),
                                        ("Training Set", "dev", "Test Set"), ("seg_train", "seg_val", "seg_test"),
                                        ("train", "eval", "test")):
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

    @tests("a folder that holds nothing but one folder")
    def test_one_folder_down(self):
        self.folders("down/archive/data", 3)
        self.put("down/readme.txt", "unpack")
        self.assertEqual(self.counts("down"), [3, 3, 3])
        self.assertIn("note: read from archive/data", self.words_of("down"))

    @tests("IDX files in folders of their own names")
    def test_idx_in_folders_of_their_names(self):
        for part, count in (("train", 6), ("t10k", 3)):
            images, labels = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
            self.put(f"data/{images}/{images}", idx([count, 2, 2], range(4 * count)))
            self.put(f"data/{labels}/{labels}", idx([count], [i % 3 for i in range(count)]))
        self.assertEqual(self.counts("data"), [2, 2, 2])
        self.assertEqual(self.counts("data", "test"), [1, 1, 1])

    @tests("hidden files and folders, `__MACOSX`, `@eaDir`, `Thumbs.db`, ...")
    def test_system_folders_are_no_classes(self):
        self.folders("data", 3)
        for junk in ("__MACOSX", ".ipynb_checkpoints", "@eaDir"):
            self.put(f"data/{junk}/x.png", png(SIDE, shape("bar")))
        self.put("data/bar/._bar0.png", b"resource")
        self.put("data/bar/Thumbs.db", b"thumbs")
        self.assertEqual(self.counts("data"), [3, 3, 3])
        self.assertEqual(self.words_of("data"), "")

    @tests("class folders without a picture")
    def test_an_empty_class_folder_is_left_out(self):
        self.folders("data", 3)
        self.box.path("data/empty").mkdir()
        self.assertEqual(self.describe("data")["class_names"], list(SHAPES))

    @tests("folders beside `train`, `val` and `test`")
    def test_folders_beside_the_parts_are_said(self):
        self.folders("data/train", 3)
        self.folders("data/test", 2)
        self.put("data/pred/x.png", png(SIDE, shape("bar")))
        self.assertIn("left out: 1 folders beside the parts of the data set (pred)", self.words_of("data"))

    @tests("class folders that hold `train` and `test`")
    def test_parts_within_classes_are_refused(self):
        for kind in SHAPES:
            for part in ("train", "test"):
                self.put(f"data/{kind}/{part}/{kind}.png", png(SIDE, shape(kind)))
        self.assertIn("the classes hold the parts", self.refused("data", "describe", "data"))

    @tests("a data set of one class, or of a test part alone")
    def test_a_test_part_alone_is_measured_not_trained(self):
        self.folders("data/test", 3, ("bar",))
        self.assertEqual(self.describe("data")["splits"]["test"]["class_counts"], [3])
        self.put("net.toml", NET)
        self.assertIn("there are no samples to train on", self.refused("train", "net.toml", "--data", "data", code=2))

    @tests("a data set of one class, or of a test part alone")
    def test_one_class_is_measured_not_trained(self):
        self.folders("data", 10)
        self.folders("one", 5, ("disc",), first=20)
        self.train()
        self.assertEqual(self.evaluate("--data", "one")["samples"], 5)
        self.assertGreater(self.evaluate("--data", "one")["accuracy"], 0.9)
        self.assertIn("holds one class only", self.refused("train", "net.toml", "--data", "one"))

    @tests("a folder in which nothing is understood")
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

    @tests("test pictures elsewhere")
    def test_test_pictures_from_another_place(self):
        self.folders("a", 8)
        self.folders("b", 3, first=10)
        self.train("a", "--test-data", "b")
        self.assertEqual(self.metrics()["train"]["samples"], 24)
        self.assertEqual(self.metrics()["test"]["samples"], 9)
        self.assertEqual(self.evaluate()["samples"], 9)

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

    @tests("test pictures, or rows, without classes")
    def test_test_pictures_without_classes(self):
        self.folders("data/train", 4)
        for i in range(3):
            self.put(f"data/test/{i}.png", png(SIDE, shape("bar")))
        self.assertIn("folders of test pictures without classes (lapel predict names them) (test)",
                      self.words_of("data"))
        self.folders("deeper/train", 4)
        self.put("deeper/test/images/0.png", png(SIDE, shape("bar")))
        self.assertIn("folders of test pictures without classes (lapel predict names them) (test)",
                      self.words_of("deeper"))

    def test_validation_is_made_where_a_callback_looks_at_it(self):
        self.folders("data", 20)
        said = self.train("data", "--set", 'train.callbacks=[{ type = "EarlyStopping" }]')
        self.assertIn("the callback EarlyStopping looks at validation: 10% of each class is kept for it", said)
        self.assertIn("trains on 45, validates with 6", said)
        self.assertEqual(self.metrics()["val"]["samples"], 6)

    @tests("archives (zip, tar, 7z, ...) of any of these")
    def test_archives(self):
        self.folders("data/train", 4)
        self.folders("data/test", 2, first=4)
        plain = self.describe("data")
        self.box.path("tmp").mkdir()
        self.box.environment["TMPDIR"] = str(self.box.path("tmp"))
        for form, name in (("zip", "data.zip"), ("gztar", "data.tar.gz"), ("tar", "data.tar")):
            shutil.make_archive(str(self.box.path("data")), form, self.box.path("data"))
            packed = self.describe(name)
            self.assertEqual(packed["name"], "data")
            for key in ("splits", "class_names"):
                self.assertEqual(packed[key], plain[key], name)
        self.train("data.zip", "--set", "train.epochs=1")
        self.assertEqual(self.evaluate()["samples"], 6)
        self.assertEqual(list(self.box.path("tmp").iterdir()), [], "what was unpacked is gone")
        self.put("only/data.zip", self.box.path("data.zip").read_bytes())
        self.assertIn("try  --data " + str(self.box.path("only/data.zip")), self.refused("data", "describe", "only"))

    def test_folders_that_all_hold_the_same_ones(self):
        for part in ("tr", "va", "te"):
            self.folders(f"data/{part}", 2)
        self.assertIn("warning: all 3 classes hold the same folders (bar, cross, disc): if these are the classes, train, "
                      "val and test are the names of the folders around them", self.words_of("data"))

    def test_pictures_without_an_ending(self):
        for kind in SHAPES:
            for i in range(3):
                self.put(f"data/{kind}/{kind}{i}", png(SIDE, shape(kind, i)))
        self.assertEqual(self.counts("data"), [3, 3, 3])

    def test_idx_files_with_a_name_before(self):
        def put(name):
            for part, count in (("train", 6), ("test", 3)):
                self.put(f"data/{name}-{part}-images-idx3-ubyte", idx([count, 2, 2], range(4 * count)))
                self.put(f"data/{name}-{part}-labels-idx1-ubyte", idx([count], [i % 3 for i in range(count)]))

        put("emnist-letters")
        self.assertEqual(self.counts("data"), [2, 2, 2])
        self.assertEqual(self.counts("data", "test"), [1, 1, 1])
        put("emnist-digits")
        self.assertIn("several files end with train-images-idx3-ubyte", self.refused("data", "describe", "data"))

    def test_archives_that_are_refused(self):
        self.box.path("tmp").mkdir()
        self.box.environment["TMPDIR"] = str(self.box.path("tmp"))
        with zipfile.ZipFile(self.box.path("out.zip"), "w") as archive:
            archive.writestr("a/0.png", png(SIDE, shape("bar")))
            archive.writestr("../outside.png", png(SIDE, shape("bar")))
        self.assertIn("out.zip:../outside.png: the name leads out of the archive",
                      self.refused("data", "describe", "out.zip"))
        self.put("cut.zip", self.box.path("out.zip").read_bytes()[:90])
        self.assertIn("cut.zip", self.refused("data", "describe", "cut.zip"))
        with zipfile.ZipFile(self.box.path("damaged.zip"), "w") as archive:
            archive.writestr("a/0.png", png(SIDE, shape("bar")))
            archive.writestr("b/1.png", png(SIDE, shape("disc"))[:-20])
        words = self.refused("data", "describe", "damaged.zip")
        self.assertIn("b/1.png", words)
        self.assertNotIn(str(self.box.path("tmp")), words, "errors name the archive, not where it was unpacked")
        self.assertEqual(list(self.box.path("tmp").iterdir()), [])

    @tests("Parquet, HDF5, MATLAB and Arrow files, Python pickles, single pictures, as data sets")
    def test_forms_that_are_named(self):
        for name, begin, words in (
            ("train-00000.parquet", b"PAR1", "is a Parquet file, which is not read"),
            ("digits.h5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file, which is not read"),
            ("train_32x32.mat", b"MATLAB 5.0 MAT-file", "is a MATLAB file, which is not read"),
            ("data_batch_1", b"\x80\x02}q\0", "is a Python pickle, which is not read"),
        ):
            self.put(name, begin + b"\0" * 200)
            said = self.refused("data", "describe", name)
            self.assertIn(words, said)
            self.assertIn('docs/data.md, "Parquet"' if "Parquet" in words else "numpy.savez", said)
        self.put("x.png", png(SIDE, shape("bar")))
        self.assertIn("is a PNG picture, and no data set", self.refused("data", "describe", "x.png"))


if __name__ == "__main__":
    unittest.main()
