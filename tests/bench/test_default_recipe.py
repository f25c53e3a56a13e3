#!/usr/bin/env python3
"""That recipes/default.toml is recipes/minute.toml, but for what it is called."""

import pathlib
import sys
import unittest

try:
    import tomllib
except ImportError:
    sys.exit(77)  # Python before 3.11: skipped

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"


def content(name):
    recipe = tomllib.loads((RECIPES / f"{name}.toml").read_text())
    return {key: value for key, value in recipe.items() if key not in ("name", "description")}


class DefaultRecipe(unittest.TestCase):
    def test_is_minute(self):
        self.assertEqual(content("default"), content("minute"))


if __name__ == "__main__":
    unittest.main()
