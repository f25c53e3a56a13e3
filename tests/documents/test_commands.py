#!/usr/bin/env python3
"""The commands in README.md, CONTRIBUTING.md and docs/ are commands that there are.

usage: test_commands.py LAPEL [unittest options]

What stands as code and begins with lapel is run, in a folder of its own, on small data and with small settings. Recipes
that stand as TOML are read. What is named within a sentence, and what belongs to another program, is held against that program's --help or source.
"""

import os
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from markdown import lines_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "apps"))
from sandbox import idx, png  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAPEL = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else ROOT / "build" / "release" / "lapel"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")),
             *sorted((ROOT / "bench").rglob("*.md"))]
GROUPS = ("data",)  # Commands of two words begin with these.
NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

# What a command is given at its end, so that it takes no time.
SMALL_TRAINING = ["--set", "data.limit=60", "--set", "data.validation_split=0.1", "--set", "train.epochs=1",
                  "--set", "train.threads=1", "--set", "train.ensemble=1"]
SMALL = {"train": [*SMALL_TRAINING, "--plot-format", "none"], "lr-find": [*SMALL_TRAINING, "--steps", "100"],
         "bench": ["--set", "data.limit=60", "--set", "train.threads=1", "--set", "train.batch_size=8", "--steps", "2",
                   "--only", "step"]}

# Commands of Lapel that stand as code and are only held against --help, and why.
ONLY_PARSED = {
    "--resume": "there is no run that was stopped",
    "RECIPE": "a word in capitals stands for something",
    "RUN": "likewise",
    "DATA": "likewise",
    "FILE": "likewise",
    "--from-photo": "there is no photograph",
    "[": "a usage line",
    "...": "likewise",
}


def joined(lines):
    """Lines of code, with those that end in a backslash put together."""
    whole = ""
    for line in lines:
        whole += line.rstrip()
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        yield whole
        whole = ""


def commands_of(text):
    """([commands that stand as code], [commands within sentences]), each without its comment."""
    lines = lines_of(text)
    code, transcript = [], []
    for line in lines:
        if line.kind == "code" and line.language in ("", "sh", "console"):
            (transcript if line.language == "console" else code).append(line.text.strip())
    shown = [line for line in joined(code) if line and not line.startswith("$ ")]
    shown += [line[2:] for line in joined(code + transcript) if line.startswith("$ ")]
    prose = " ".join(line.text.strip() for line in lines if line.kind in ("prose", "table")).replace("\\|", "|")
    inline = re.findall(r"`([^`]+)`", prose)
    return [re.split(r"\s{2,}|\s#\s", line)[0] for line in shown], inline


def words_of(command):
    """The words of a command without what is set before it: [OMP_NUM_THREADS=2] lapel ..."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while words and (re.match(r"[A-Z_]+=", words[0]) or words[0] in ("time", "nice", "sudo")):
        words.pop(0)
    return words


def is_lapel(words):
    return bool(words) and words[0] in ("lapel", "build/release/lapel") and len(words) > 1


def help_of(words, known={}):
    """The --help of a program with these words before it."""
    key = tuple(words)
    if key not in known:
        done = subprocess.run([*words, "--help"], capture_output=True, text=True, cwd=ROOT)
        known[key] = done.stdout if done.returncode == 0 else None
    return known[key]


def options_in(words):
    return [word.split("=")[0].strip("[]") for word in words if re.match(r"\[?--[a-z]", word)]


def parse_fault(command):
    """Why there is no such command; None where there is, or where it is not one."""
    words = words_of(command)
    if not words:
        return None
    if is_lapel(words):
        name = words[1:3] if words[1] in GROUPS else words[1:2]
        if words[1].startswith("-") or words[1].isupper() or words[1].startswith("["):
            return None
        text = help_of([str(LAPEL), *name])
        if text is None or not text.startswith(f"Usage: lapel {' '.join(name)} "):
            return f"lapel has no command {' '.join(name)}"
    elif re.match(r"(bench|scripts)/", words[0]) and not (ROOT / words[0]).is_dir() or words[0] in ("./check", "./quickstart"):
        if not (ROOT / words[0]).exists():
            return f"there is no {words[0]}"
        if sys.version_info < (3, 11) and words[0].startswith("bench/"):
            return None
        text = (ROOT / words[0]).read_text(errors="replace")
        if "argparse" in text:  # Where what it imports is not installed, its source is taken.
            text = help_of([str(ROOT / words[0])]) or text
    else:
        return None
    for option in options_in(words):
        if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text):
            return f"{words[0]} has no option {option} there"
    return None


def reason_not_to_run(words):
    for part, why in ONLY_PARSED.items():
        if any(word == part or part in ("[", "...") and part in word and not word.startswith(("data.", "train."))
               for word in words):
            return why
    return None


class Place:
    """A folder with everything that commands in documents speak of."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("LAPEL_")}
        self.environment.update(LAPEL_DATA=str(self.folder / "fashion"), LAPEL_RECIPES=str(ROOT / "recipes"), LC_ALL="C.UTF-8")
        self.make_data()

    def make_data(self):
        rng = random.Random(1)
        fashion, photos = self.folder / "fashion", self.folder / "photos"
        fashion.mkdir()
        for split, count in (("train", 100), ("t10k", 40)):
            labels = [i % 10 for i in range(count)]
            (fashion / f"{split}-images-idx3-ubyte").write_bytes(idx([count, 28, 28], rng.randbytes(count * 784)))
            (fashion / f"{split}-labels-idx1-ubyte").write_bytes(idx([count], labels))
        (fashion / "class_names.txt").write_text("\n".join(NAMES) + "\n")
        for part in ("train", "test"):
            for name in ("cat", "dog"):
                (photos / part / name).mkdir(parents=True)
                for i in range(30):
                    (photos / part / name / f"{i}.png").write_bytes(png(16, rng.randbytes(256)))
        (self.folder / "docs").mkdir()
        shutil.copy(ROOT / "docs" / "augmentation.toml", self.folder / "docs")
        shutil.copytree(ROOT / "recipes", self.folder / "recipes")
        (self.folder / "picture.png").write_bytes(png(28, rng.randbytes(784)))

    def run(self, words):
        return subprocess.run([str(LAPEL), *words], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300)

    def prepare(self, words):
        """Makes the runs that a command speaks of, and takes away what it makes."""
        if words[0] == "train" and "--out" in words:
            shutil.rmtree(self.folder / words[words.index("--out") + 1], ignore_errors=True)
            return
        for word in words[1:]:
            run = re.match(r"(runs/[\w-]+)(/model.safetensors)?$", word)
            if run and not (self.folder / run[1]).exists():
                made = self.run(["train", "mlp-512", "--out", run[1], *SMALL["train"]])
                assert made.returncode == 0, made.stderr

    def fault(self, command):
        """What goes wrong when it is run; None where nothing does."""
        words = words_of(command)[1:]
        self.prepare(words)
        words = words + [word for word in SMALL.get(words[0], [])]
        if words[0] in ("lr-find", "bench", "train"):  # An option that is there twice is refused.
            for option in ("--steps", "--only", "--plot-format"):
                while words.count(option) > 1:
                    at = len(words) - 1 - words[::-1].index(option)
                    del words[at:at + 2]
        done = self.run(words)
        return None if done.returncode == 0 else f"{command}: ended with {done.returncode}\n{done.stderr}"


def faults_of(name, text, place):
    shown, inline = commands_of(text)
    for command in shown + inline:
        if fault := parse_fault(command):
            yield f"{name}: `{command}`: {fault}"
    for command in shown:
        words = words_of(command)
        if is_lapel(words) and parse_fault(command) is None and reason_not_to_run(words) is None:
            if fault := place.fault(command):
                yield f"{name}: {fault}"


def recipes_of(text):
    """The recipes that stand as TOML: all that have layers, or extend another one."""
    fenced = ""
    for line in lines_of(text) + [None]:
        if line and line.kind == "code" and line.language == "toml":
            fenced += line.text + "\n"
        elif fenced:
            if re.search(r"(?m)^(layers =|extends =|\[\[layers)", fenced):
                yield fenced
            fenced = ""


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-documents-")
        self.addCleanup(folder.cleanup)
        self.place = Place(folder.name)

    def test_of_all_documents(self):
        seen = 0
        for path in DOCUMENTS:
            text = path.read_text()
            seen += sum(is_lapel(words_of(command)) for part in commands_of(text) for command in part)
            for fault in faults_of(str(path.relative_to(ROOT)), text, self.place):
                with self.subTest(path.name):
                    self.fail(fault)
        self.assertGreater(seen, 50)

    def test_recipes_of_all_documents(self):
        recipes = [(path.name, recipe) for path in DOCUMENTS for recipe in recipes_of(path.read_text())]
        self.assertGreater(len(recipes), 2)
        for name, recipe in recipes:
            (self.place.folder / "shown.toml").write_text(recipe)
            with self.subTest(name):
                done = self.place.run(["recipes", "shown.toml"])
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_wrong_is_found(self):
        planted = {
            "    lapel train mlp-512 --no-such-option\n": "lapel has no option --no-such-option there",
            "Text `lapel predict RUN --tpo 3`.\n": "lapel has no option --tpo there",
            "    lapel trian mlp-512\n": "lapel has no command trian",
            "    lapel train mlp-512 --set train.epohcs=3\n": 'unknown key "train.epohcs"',
            "    lapel train mpl-512     # comment\n": 'no recipe "mpl-512"',
            "    $ lapel evaluate runs/first --split tset\n": "ended with 2",
            "    bench/frontier minute --abalte\n": "bench/frontier has no option --abalte there",
            "    ./check --fsat\n": "./check has no option --fsat there",
            "    scripts/nothing.sh\n": "there is no scripts/nothing.sh",
            "    lapel train mlp-512 \\\n        --no-such-option\n": "lapel has no option --no-such-option there",
        }
        for text, fault in planted.items():
            if sys.version_info < (3, 11) and "bench/" in text:
                continue
            found = list(faults_of("planted.md", "Text.\n\n" + text, self.place))
            self.assertEqual(len(found), 1, (text, found))
            self.assertIn(fault, found[0])
        self.assertEqual(list(faults_of("good.md", "Text.\n\n    lapel train mlp-512 --set train.seed=2\n", self.place)), [])


if __name__ == "__main__":
    unittest.main()
