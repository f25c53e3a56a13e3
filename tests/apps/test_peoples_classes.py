#!/usr/bin/env python3
"""Classes of people's own data: numbers, names, and some that are missing.

A test of a line of the list in docs/data.md says which.

usage: test_peoples_classes.py LAPEL [unittest options]
"""

import os
import pathlib
import shutil
import sys
import unicodedata
import unittest

from people import SHAPES, SIDE, PeoplesData, shape, tests
from sandbox import png

if len(sys.argv) > 1:
    PeoplesData.program = sys.argv.pop(1)


class PeoplesClasses(PeoplesData):
    @tests("labels from 1, or with gaps")
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

    @tests("class names that are not UTF-8, have line breaks, or are there twice, also in another Unicode form")
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

    @tests("class names that are not UTF-8, have line breaks, or are there twice, also in another Unicode form")
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


if __name__ == "__main__":
    unittest.main()
