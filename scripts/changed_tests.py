#!/usr/bin/env python3
"""Names the tests of what changed and of what depends on it, for ./check --quick.

    changed_tests.py BUILD BASE     one name of a ctest test a line; BASE is a commit, or "everything"
    changed_tests.py --self-test    checks the rules on a small tree

What changed is what differs from BASE in the working tree, new files included. A change in a folder of src/ asks for the
tests of that folder and of every folder that may use it, directly or through others (the table of src/README.md); a change in
tests/X for those of tests/X. What no rule knows asks for all tests. Standard library only.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Tests that look at the whole: the program from outside, and rules over the tree. They run for every change of code.
WHOLE = {"apps", "errors", "fuzz", "interop", "install", "structure", "golden", "examples"}
# Changes of these alone ask for the rules over the tree alone.
WORDS = re.compile(r"^(docs/|[^/]*\.md$|src/.*\.md$|LICENSE$)")


def users(table, folder):
    """The folder and all that may use it. `table` is folder -> folders that it may use."""
    found = {folder}
    while True:
        more = {name for name, used in table.items() if found & set(used)} - found
        if not more:
            return found
        found |= more


def read_table(text):
    """The folders of src/README.md's first table, rooms left out."""
    table = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`([a-z_]+)`", cells[0])
        if len(cells) == 3 and name:
            table[name[1]] = {used.split("/")[0] for used in re.findall(r"`([^`]+)`", cells[1])}
    return table


def wanted_folders(table, changed):
    """The folders of tests/ (or bench, examples) whose tests are asked for; None for all of them."""
    wanted = set()
    for path in changed:
        parts = path.split("/")
        if WORDS.match(path):
            wanted.add("structure")
        elif parts[0] == "src" and len(parts) > 2 and parts[1] in table:
            wanted |= users(table, parts[1]) | WHOLE
        elif parts[0] == "apps":
            wanted |= WHOLE
        elif parts[0] == "recipes":
            wanted |= WHOLE | users(table, "recipe") | {"bench"}
        elif parts[0] == "bench":
            wanted |= {"bench", "peers", "structure"}
        elif parts[0] == "examples":
            wanted |= {"examples", "structure"}
        elif parts[0] == "tests" and len(parts) > 2 and parts[1] != "support":
            wanted |= {parts[1], "structure"}
        else:  # Public headers, the build, shared helpers of tests.
            return None
    return wanted


def tests_by_folder(build):
    """Each test of the build tree and the folder whose CMakeLists.txt adds it."""
    shown = json.loads(subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, capture_output=True,
                                      text=True).stdout)
    graph = shown["backtraceGraph"]
    for test in shown["tests"]:
        node = graph["nodes"][test["backtrace"]]
        while "parent" in node:
            node = graph["nodes"][node["parent"]]
        parts = pathlib.Path(graph["files"][node["file"]]).resolve().relative_to(ROOT).parts
        yield test["name"], parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]


def changed_files(base):
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()

    return git("diff", "--name-only", base) + git("ls-files", "--others", "--exclude-standard")


def self_test():
    table = read_table("| `a` | | `fmt/` |\n| `b` | `a` | |\n| `c` | `b/room` | |\n| `b/room` | | |\n| `d` | | |\n")
    assert table == {"a": set(), "b": {"a"}, "c": {"b"}, "d": set()}, table
    assert wanted_folders(table, ["src/b/x.cpp"]) == {"b", "c"} | WHOLE
    assert wanted_folders(table, ["src/d/x.cpp"]) == {"d"} | WHOLE
    assert wanted_folders(table, ["docs/x.md", "src/a/README.md"]) == {"structure"}
    assert wanted_folders(table, ["tests/a/x.cpp"]) == {"a", "structure"}
    assert wanted_folders(table, ["tests/a/x.cpp", "include/lapel/x.h"]) is None
    assert wanted_folders(table, ["src/unknown/x.cpp"]) is None
    assert wanted_folders(table, []) == set()


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    build, base = pathlib.Path(sys.argv[1]), sys.argv[2]
    wanted = None
    if base != "everything":
        wanted = wanted_folders(read_table((ROOT / "src/README.md").read_text()), changed_files(base))
    for name, folder in tests_by_folder(build):
        if wanted is None or folder in wanted:
            print(name)


if __name__ == "__main__":
    main()
