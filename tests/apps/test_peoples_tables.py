#!/usr/bin/env python3
"""Tables of pixels, and arrays of NumPy's.

A test of a line of the list in docs/data.md says which.

usage: test_peoples_tables.py LAPEL [unittest options]
"""

import json
import struct
import sys
import unittest
import zipfile

from people import SHAPES, SIDE, PeoplesData, shape, tests

if len(sys.argv) > 1:
    PeoplesData.program = sys.argv.pop(1)


def npy(type, shape, values, raw=None):
    """A `.npy` file, version 1.0 of numpy.lib.format."""
    codes = {"|u1": "B", "<i4": "i", "<i8": "q", "<f4": "f", "<f8": "d"}
    body = raw if raw is not None else struct.pack(f"<{len(values)}{codes[type]}", *values)
    head = f"{{'descr': '{type}', 'fortran_order': False, 'shape': {tuple(shape)}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + body


class PeoplesTables(PeoplesData):
    def assert_three_classes(self, name, count=30):
        described = self.describe(name)
        self.assertEqual(described["splits"]["train"]["shape"], [count, SIDE, SIDE, 1])
        self.assertEqual(described["splits"]["train"]["class_counts"], [count // 3] * 3)
        return described

    @tests("CSV: `label`, `class`, `target`, ... anywhere")
    def test_csv_with_the_label_anywhere(self):
        rows = self.csv_rows()
        pixels = [f"pixel{i}" for i in range(SIDE * SIDE)]
        for word in ("label", "class", "target", "Label", "CLASS"):
            for at in (0, 5, SIDE * SIDE):
                header = pixels[:at] + [word] + pixels[at:]
                lines = [[*map(str, values[:at]), str(label), *map(str, values[at:])] for label, values in rows]
                self.put("x.csv", "\n".join(",".join(line) for line in [header, *lines]))
                self.assert_three_classes("x.csv")

    @tests("CSV: no header, or one of integers")
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

    @tests("a CSV whose labels may be in two columns")
    def test_csv_whose_labels_may_be_in_two_columns(self):
        rows = [[i % 2, *shape(SHAPES[i % 3])[1:], i % 3] for i in range(30)]
        self.put("x.csv", "\n".join(",".join(map(str, row)) for row in rows))
        words = self.refused("data", "describe", "x.csv")
        self.assertIn("the labels may be in column 1 or in column 65", words)
        self.assertIn("a first line that names the columns", words)

    @tests("CSV: an index, or other columns that are not pixels")
    def test_csv_with_other_columns(self):
        rows = self.csv_rows()
        header = ["", "label", "filename", *(f"p{i}" for i in range(SIDE * SIDE))]
        lines = [[i, label, f"img{i}.png", *values] for i, (label, values) in enumerate(rows)]
        self.put("x.csv", "\n".join(",".join(map(str, line)) for line in [header, *lines]))
        self.assert_three_classes("x.csv")
        self.assertIn('left out: 2 columns that are no pixels in x.csv (column "", column "filename")',
                      self.words_of("x.csv"))

    @tests("CSV: comma, semicolon, tab, bar; quotes; a byte-order mark; CR LF; empty lines")
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

    def test_csv_in_other_spellings(self):
        lines = [[label, *values] for label, values in self.csv_rows()]
        self.put("comma-at-the-end.csv", "\n".join(",".join(map(str, line)) + "," for line in lines))
        self.put("macintosh.csv", "\r".join(",".join(map(str, line)) for line in lines))
        self.put("tabs.tsv", "\n".join("\t".join(map(str, line)) for line in lines))
        for name in ("comma-at-the-end.csv", "macintosh.csv", "tabs.tsv"):
            self.assert_three_classes(name)

    @tests("CSV: pixels from 0 to 1, with decimals, or of 0 and 1")
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

    @tests("CSV: words as labels")
    def test_csv_of_words(self):
        rows = self.csv_rows()
        for name, quote in (("a", ""), ("b", '"')):
            lines = [[f"{quote}{SHAPES[label]}{quote}", *values] for label, values in rows]
            self.put(f"{name}/train.csv", "\n".join(",".join(map(str, line)) for line in lines))
            self.put(f"{name}/test.csv", "\n".join(",".join(map(str, line)) for line in lines[:4]))
            described = self.assert_three_classes(name)
            self.assertEqual(described["class_names"], list(SHAPES))
            self.assertEqual(sum(described["splits"]["test"]["class_counts"]), 4)

    @tests("test pictures, or rows, without classes")
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

    @tests("UTF-16 text")
    def test_utf_16_is_named(self):
        self.put("x.csv", "label,p0\n1,2\n".encode("utf-16"))
        self.assertIn("UTF-16", self.refused("data", "describe", "x.csv"))

    @tests("NumPy's `.npz` and `.npy`: `x_train`, `y_train`, `x_test`, ...; `train_images`, ...; `x` and `y`")
    def test_numpy_arrays(self):
        rows = self.csv_rows()
        pixels = [value for _, values in rows for value in values]
        labels = [label for label, _ in rows]
        count = len(rows)
        self.put("plain.csv", "\n".join(",".join(map(str, [label, *values])) for label, values in rows))
        whole = self.describe("plain.csv")["splits"]["train"]

        def check(name, **arrays):
            self.npz(name, arrays)
            described = self.describe(name)
            self.assertEqual(described["splits"]["train"], whole, name)
            return described["splits"]

        images = npy("|u1", (count, SIDE, SIDE), pixels)
        words = npy("<i8", (count,), labels)
        check("keras.npz", x_train=images, y_train=words)
        splits = check("medmnist.npz", train_images=images, train_labels=npy("|u1", (count, 1), labels), val_images=images,
                       val_labels=words, test_images=images, test_labels=words)
        self.assertEqual(splits["test"], {**whole})
        self.assertEqual(splits["validation"], {**whole})
        check("flat.npz", X=npy("<f8", (count, SIDE * SIDE), pixels), y=npy("<i4", (count,), labels))
        check("share.npz", arr_0=npy("<f4", (count, SIDE, SIDE, 1), [v / 255 for v in pixels]), arr_1=words)
        self.assertIn("1 arrays of pixels from 0 to 1, multiplied by 255 (arr_0)", self.words_of("share.npz"))
        check("first.npz", x=npy("|u1", (count, 1, SIDE, SIDE), pixels), y=words)
        self.put("folder/x_train.npy", images)
        self.put("folder/y_train.npy", words)
        self.assertEqual(self.describe("folder")["splits"]["train"], whole)

    def npz(self, name, arrays):
        with zipfile.ZipFile(self.box.path(name), "w") as archive:
            for key, content in arrays.items():
                archive.writestr(f"{key}.npy", content)

    def test_numpy_arrays_of_colours(self):
        planes = [v for n in range(2) for c in range(3) for v in [100 * n + 10 * c + i for i in range(4)]]
        self.npz("planes.npz", {"x": npy("|u1", (2, 3, 2, 2), planes), "y": npy("|u1", (2,), [0, 1])})
        self.lapel("data", "convert", "planes.npz", "idx", "--to", "idx")
        read = list(self.box.path("idx/train-images-idx4-ubyte").read_bytes()[20:])
        self.assertEqual(read, [100 * n + 10 * c + i for n in range(2) for i in range(4) for c in range(3)])
        self.assertIn("arrays with the channels before the rows, turned round (x)", self.words_of("planes.npz"))

    def test_numpy_arrays_that_are_refused(self):
        images, labels = npy("|u1", (4, 2, 2), range(16)), npy("<i8", (4,), [0, 1, 0, 1])
        for words, arrays in (
            ("has 4 pictures, but y has 3 labels", {"x": images, "y": npy("<i8", (3,), [0, 1, 0])}),
            ("holds no arrays of pictures with their labels", {"x": images}),
            ("may be the same as x", {"x": images, "x2": images, "y": labels}),
            ("holds numbers from -1 to 9", {"x": npy("<f4", (1, 1, 2), [-1, 9]), "y": npy("|u1", (1,), [0])}),
            ("the label at index 1 is -1, no class number", {"x": images, "y": npy("<i8", (4,), [0, -1, 0, 1])}),
            ("holds labels that are no numbers", {"x": images, "y": npy("<U3", (4,), [], b"\0" * 48)}),
            ("lies in the order of Fortran", {"x": images.replace(b"False", b"True "), "y": labels}),
            ("its size is not what its head says", {"x": images[:-3], "y": labels}),
        ):
            self.npz("x.npz", arrays)
            self.assertIn(words, self.refused("data", "describe", "x.npz"))

    def test_a_table_in_an_archive(self):
        rows = [["label", *(f"p{i}" for i in range(SIDE * SIDE))], *([label, *values] for label, values in self.csv_rows())]
        with zipfile.ZipFile(self.box.path("train.csv.zip"), "w") as archive:
            archive.writestr("train.csv", "\n".join(",".join(map(str, row)) for row in rows))
        self.assert_three_classes("train.csv.zip")


if __name__ == "__main__":
    unittest.main()
