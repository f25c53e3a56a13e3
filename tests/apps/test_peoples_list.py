#!/usr/bin/env python3
"""The list in docs/data.md of what is read, what is left out and what is refused: each line has a test that names it, and
each test names a line that is there.

usage: test_peoples_list.py
"""

import importlib
import unittest

from sandbox import SOURCE

FILES = ("classes", "layouts", "pictures", "tables")


def listed():
    """The first cells of the tables of that part of the document, without the heads."""
    text = (SOURCE / "docs" / "data.md").read_text()
    part = text.split("\n## What is read, what is left out, what is refused\n")[1].split("\n## ")[0]
    lines = part.split("\n")
    rows = [line for i, line in enumerate(lines)
            if line.startswith("|") and not line.startswith("|--") and not lines[i + 1].startswith("|--")]
    return [row.split("|")[1].strip() for row in rows]


def tested():
    """The lines that tests name."""
    lines = set()
    for file in FILES:
        module = importlib.import_module(f"test_peoples_{file}")
        for case in unittest.TestLoader().loadTestsFromModule(module):
            for test in case:
                lines.update(getattr(getattr(test, test._testMethodName), "lines", ()))
    return lines


class List(unittest.TestCase):
    def test_every_line_has_a_test(self):
        self.assertGreater(len(listed()), 30)
        self.assertEqual([line for line in listed() if line not in tested()], [])

    def test_every_test_has_its_line(self):
        self.assertEqual(sorted(tested() - set(listed())), [])

    def test_no_line_is_there_twice(self):
        self.assertEqual(len(listed()), len(set(listed())))


if __name__ == "__main__":
    unittest.main()
