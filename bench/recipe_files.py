"""Recipes as the commands of this folder need them: found by name, written out, and as the text that decides a figure."""

import pathlib
import subprocess
import tomllib

RECIPES = pathlib.Path(__file__).resolve().parent.parent / "recipes"


def file_of(name):
    """The file of a recipe that ships; None where there is none."""
    path = RECIPES / f"{name}.toml"
    return path if path.exists() else None


def text_of(file):
    """All that decides the recipe in a file: its text, behind that of the recipe that it extends."""
    text = file.read_text()
    extended = tomllib.loads(text).get("extends")
    if extended is None:
        return text
    beside = file.parent / (extended if extended.endswith(".toml") else f"{extended}.toml")
    return text_of(beside if beside.exists() else file_of(extended)) + text


def written_out(program, recipe):
    """The recipe, a name or a file, with every layer and option: as text."""
    run = subprocess.run([str(program), "recipes", str(recipe)], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{program} recipes {recipe}\n{run.stderr.strip()}")
    return run.stdout
