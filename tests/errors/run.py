#!/usr/bin/env python3
"""Runs the cases of this folder: what a person does wrong, and every word that lapel answers.

usage: run.py LAPEL [--update] [CASE...]

A case is a text file:

    # What it is about.
    data NAME                a small data set (IDX; 90 + 30 pictures of 12 x 12 in 3 classes)
    recipe NAME              a small recipe for the data set `data`
    run NAME                 the run folder of a training of that recipe
    picture NAME [SIDE]      a PNG picture, of 12 x 12 or as said
    file NAME                a text file, of the lines that follow, each begun by "| "
    edit NAME /OLD/NEW/      replaces a text in a file; it must be there
    cut NAME BYTES           shortens a file
    append NAME BYTES        makes a file longer by zeros
    poke NAME OFFSET HEX     overwrites bytes
    copy OLD NEW, remove NAME, folder NAME, gzip NAME
    env NAME VALUE           an environment variable
    limit BYTES              no file may become larger
    stdout FILE              standard output goes there ("-": it is closed); otherwise nothing may be printed
    stdout any               something may be printed
    roughly N                a number within 2% of N counts as N: a size that depends on how long something took
    keeps NAME               a file or folder that the command makes and that stays; otherwise none may
    disk NAME SIZE           a file system of that size at the folder; skipped where it cannot be made
    $ lapel WORDS...         the command
    exit CODE
    (all of standard error, with DIR for the folder of the case, RECIPES for the shipped recipes, and [...] for any words
    of a line: a list of all there is)

--update writes what lapel said into the cases. Read it before you keep it: would a person know what to do?
"""

import argparse
import concurrent.futures
import difflib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apps"))
from sandbox import SIDE, SOURCE, Sandbox  # noqa: E402


class Skip(Exception):
    pass


class Case:
    def __init__(self, file, lapel, folder):
        self.file, self.box = file, Sandbox(lapel, folder)
        self.stdout, self.limit, self.keeps, self.prefix = None, None, set(), ()
        self.roughly = None
        self.environment = {}
        self.lines = file.read_text().splitlines()
        self.command = next(i for i, line in enumerate(self.lines) if line.startswith("$ lapel"))

    def set_up(self):
        lines = self.lines[: self.command]
        while lines:
            line = lines.pop(0)
            if not line or line.startswith("#"):
                continue
            verb, *words = shlex.split(line)
            if verb == "file":
                text = ""
                while lines and lines[0].startswith("|"):
                    text += lines.pop(0)[2:] + "\n"
                self.box.recipe(words[0], text)
            else:
                getattr(self, "do_" + verb)(*words)

    def do_data(self, name):
        self.box.data(name)

    def do_recipe(self, name):
        self.box.recipe(name)

    def do_run(self, name):
        self.box.recipe("for-run.toml")
        result = self.box.run("train", "for-run.toml", "--out", name)
        assert result.code == 0, result.stderr

    def do_picture(self, name, side=SIDE):
        self.box.picture(name, side=int(side))

    def do_edit(self, name, change):
        old, new = change[1:-1].split(change[0])
        text = self.box.path(name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        self.box.path(name).write_text(text.replace(old, new, 1))

    def do_cut(self, name, size):
        os.truncate(self.box.path(name), int(size))

    def do_append(self, name, size):
        with open(self.box.path(name), "ab") as file:
            file.write(bytes(int(size)))

    def do_poke(self, name, offset, digits):
        with open(self.box.path(name), "r+b") as file:
            file.seek(int(offset))
            file.write(bytes.fromhex(digits))

    def do_copy(self, old, new):
        shutil.copy(self.box.path(old), self.box.path(new))

    def do_remove(self, name):
        self.box.path(name).unlink()

    def do_folder(self, name):
        self.box.path(name).mkdir()

    def do_gzip(self, name):
        self.box.gzip(name)

    def do_env(self, name, value):
        self.environment[name] = value.replace("DIR", str(self.box.folder))

    def do_limit(self, size):
        self.limit = int(size)

    def do_stdout(self, where):
        self.stdout = where

    def do_roughly(self, number):
        self.roughly = int(number)

    def do_keeps(self, name):
        self.keeps.add(name)

    def do_disk(self, name, size):
        self.do_folder(name)
        mount = 'mount -t tmpfs -o size="$2" tmpfs "$1" || exit 99; shift 2; exec "$@"'
        namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        self.prefix = (*namespace, "sh", "-c", mount, "sh", str(self.box.path(name)), size)
        if subprocess.run([*self.prefix, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip("no file system can be mounted here")

    def answer(self):
        """The exit code and standard error of the command, and what it should not have done."""
        self.set_up()
        before = self.box.files()
        self.box.environment.update(self.environment)
        words = shlex.split(self.lines[self.command])[2:]
        options = {"file_size": self.limit, "prefix": self.prefix}
        if self.stdout == "-":
            options["prefix"] = ("sh", "-c", 'exec "$@" >&-', "sh", *self.prefix)
        elif self.stdout not in (None, "any"):
            options["stdout"] = open(self.stdout, "wb")
        result = self.box.run(*words, **options)
        stderr = result.stderr.replace(str(self.box.folder), "DIR").replace(str(SOURCE / "recipes"), "RECIPES")
        if self.roughly:
            stderr = re.sub(r"\d+", lambda match: self.rounded(match.group()), stderr)
        complaints = []
        if result.stdout and self.stdout != "any":
            complaints.append("printed to standard output: " + repr(result.stdout))
        after = self.box.files()
        strays = [name for name in after if name not in before and not self.kept(name)]
        if strays:
            complaints.append("left behind: " + ", ".join(strays))
        if changed := [name for name in before if after.get(name, "gone") != before[name]]:
            complaints.append("changed: " + ", ".join(changed))
        return [f"exit {result.code}", *self.shortened(stderr.splitlines())], complaints

    def shortened(self, lines):
        """The lines, each in the words of the expected line that it matches."""
        expected = self.expected()[1:]
        for number, (line, wanted) in enumerate(zip(lines, expected)):
            if "[...]" in wanted and re.fullmatch(".*".join(map(re.escape, wanted.split("[...]"))), line):
                lines[number] = wanted
        return lines

    def rounded(self, number):
        return str(self.roughly) if abs(int(number) - self.roughly) <= 0.02 * self.roughly else number

    def kept(self, name):
        return any(name == keep or name.startswith(keep + "/") for keep in self.keeps)

    def expected(self):
        return self.lines[self.command + 1 :]


def check(file, lapel, update):
    """A text that says what is wrong with the answer to this case; empty if nothing."""
    with tempfile.TemporaryDirectory(prefix="lapel-errors-") as folder:
        try:
            case = Case(file, lapel, folder)
            got, complaints = case.answer()
        except Skip as reason:
            print(f"skipped {file.stem}: {reason}")
            return ""
        except Exception as error:
            return f"{file.name}: the case itself failed: {error!r}\n"
    if update and got != case.expected():
        file.write_text("\n".join(case.lines[: case.command + 1] + got) + "\n")
        print(f"updated {file.stem}")
    elif got != case.expected():
        complaints += difflib.unified_diff(case.expected(), got, "expected", "got", lineterm="")
    return "".join(f"{file.name}: {complaint}\n" for complaint in complaints)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("lapel")
    arguments.add_argument("--update", action="store_true")
    arguments.add_argument("cases", nargs="*")
    given = arguments.parse_intermixed_args()
    files = [f for f in sorted((HERE / "cases").glob("*.txt")) if not given.cases or f.stem in given.cases]
    if not files:
        sys.exit("no cases found")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failures = [text for text in pool.map(lambda f: check(f, given.lapel, given.update), files) if text]
    print("\n".join(failures), end="")
    print(f"{len(files)} cases, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
