"""Compares the sources with the rules of src/README.md. Standard library only.

    check_structure.py SOURCE_DIR     checks the tree; exit code 1 and one line a fault if it breaks a rule
    check_structure.py --self-test    plants one fault for each rule and checks that it is found
"""

import re
import sys
import tempfile
from pathlib import Path

SOURCE_SUFFIXES = {".h", ".cpp"}
MAX_LINES = 450
MAX_FUNCTION_LINES = 70
MAX_DEPTH = 4
CONTROL = re.compile(r"(?:\} )?(?:if|else|for|while|do|switch|try|catch)\b")
SCOPE = re.compile(r"(?:inline |template\b.*> ?)?(?:namespace|class|struct|enum|union|extern)\b")
CONTINUES = re.compile(r"(?!\s*(?:#|template\b)).*[^;{}:\s]\s*$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
WORD = re.compile(r"`([^`]+)`")


class Rules:
    """The tables of src/README.md: folder or room (folder/room) -> (what it may use, other headers it may include)."""

    def __init__(self, root):
        self.folders = {}
        self.closed = {}  # room -> (the only headers of the project that it includes, the only files that include it)
        text = (root / "src" / "README.md").read_text(encoding="utf-8")
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            name = WORD.fullmatch(cells[0])
            if len(cells) == 3 and name:
                self.folders[name[1]] = (WORD.findall(cells[1]), WORD.findall(cells[2]))
            if len(cells) == 4 and name:
                self.closed[name[1]] = (WORD.findall(cells[1]), WORD.findall(cells[2]))
        cmake = (root / "CMakeLists.txt").read_text(encoding="utf-8")
        listed = re.search(r"set\(LAPEL_FOLDERS\s+([^)]*)\)", cmake)
        self.order = listed[1].split() if listed else []
        self.rooms = [name for name in self.folders if name.split("/")[0] in self.order and "/" in name]
        self.divided = {name.split("/")[0] for name in self.rooms}


def table_faults(root, rules):
    """The tables must have a line for each folder, in the order of LAPEL_FOLDERS, and for each room of a folder that is
    divided; arrows go to earlier lines only."""
    rows = [name for name in rules.folders if "/" not in name]
    if rows != rules.order:
        yield f"src/README.md: the table's folders {rows} are not those of LAPEL_FOLDERS {rules.order}"
    present = {path.name for path in (root / "src").iterdir() if path.is_dir()}
    for name in sorted(present - set(rows)):
        yield f"src/README.md: the table has no line for src/{name}"
    for folder in sorted(rules.divided):
        for path in sorted((root / "src" / folder).iterdir()):
            if path.is_dir() and f"{folder}/{path.name}" not in rules.rooms:
                yield f"src/README.md: the table has no line for src/{folder}/{path.name}"
    for position, name in enumerate(rows):
        for used in rules.folders[name][0]:
            if used.split("/")[0] not in rows[:position] or ("/" in used and used not in rules.rooms):
                yield f"src/README.md: `{name}` uses `{used}`, which does not come before it"
    for position, name in enumerate(rules.rooms):
        for used in rules.folders[name][0]:
            if used not in rules.rooms[:position] or used.split("/")[0] != name.split("/")[0]:
                yield f"src/README.md: `{name}` uses `{used}`, which does not come before it"


def folder_of(root, path):
    """The line of the tables that a file belongs to."""
    parts = path.relative_to(root).parts
    if parts[0] != "src":
        return "/".join(parts[:2])
    return "/".join(parts[1:-1][:2])


def may_use(rules, folder, is_header, target):
    """Whether a file of `folder`, which may be a room, may include `target`, a path from src/."""
    owner = target.split("/")[0]
    room = "/".join(target.split("/")[:2]) if owner in rules.divided and target.count("/") > 1 else None
    home = folder.split("/")[0]
    used = rules.folders.get(folder, ([], []))[0]
    if owner != home:
        return (room or owner) in [*used, *(rules.folders[home][0] if "/" in folder else [])]
    if room is None or room == folder or room in used:
        return True
    return "/" not in folder and not is_header  # What joins the rooms; the contract's headers know none of them.


def closed_fault(rules, source, folder, target):
    """Why a file of a closed room may not include `target`, or `source` not a header of one; None where it may."""
    includes = rules.closed.get(folder, ([], []))[0]
    if folder in rules.closed and target not in includes and not target.startswith(f"{folder}/"):
        return f'it is closed and does not list "{target}"'
    room = target.rpartition("/")[0]
    if room in rules.closed and folder != room and source not in rules.closed[room][1]:
        return f'`{room}` is closed, "{target}" is not for this file'
    return None


def include_fault(root, rules, path, folder, angled, target):
    """Why `folder` may not include `target`; None where it may."""
    headers = rules.folders.get(folder, ([], []))[1]
    if target.startswith("lapel/"):
        return None
    if angled:
        standard = "/" not in target and "." not in target
        allowed = any(target == h or (h.endswith("/") and target.startswith(h)) for h in headers)
        return None if standard or allowed else f"the table does not give it the header <{target}>"
    outside = folder in ("include/lapel", "apps/lapel")
    if "/" not in target:
        if outside and (path.parent / target).exists():
            return None
        return f'"{target}" is not given by its path from src/ or include/'
    if any(target.startswith(h) for h in headers if h.endswith("/")):
        return None
    if not outside and may_use(rules, folder, path.suffix == ".h", target):
        if not (root / "src" / target).exists():
            return f'"{target}" does not exist'
        return closed_fault(rules, path.relative_to(root / "src").as_posix(), folder, target)
    return f'the table does not let it use "{target}"'


def sources(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES:
                yield path


def include_faults(root, rules):
    for path in sources(root, "src", "include", "apps"):
        folder = folder_of(root, path)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            fault = include_fault(root, rules, path, folder, match[1] == "<", match[2])
            if fault:
                yield f"{path.relative_to(root)}:{number}: {folder}: {fault}"


def length_faults(root):
    for path in sources(root, "src", "include", "apps", "tests", "examples", "bench"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            yield f"{path.relative_to(root)}: {lines} lines, more than {MAX_LINES}: divide it"


class Blocks:
    """The blocks of a source, by the indentation that clang-format gives."""

    def __init__(self, text):
        self.lines = [line.split("//")[0].rstrip() for line in text.splitlines()]
        self.open = []  # indentation, kind, number of the first line
        self.functions = []  # number of the first line, lines
        self.depths = []  # number of the line, blocks of control around what it begins
        for number, line in enumerate(self.lines, 1):
            if line.strip().startswith("}"):
                self.close(number, len(line) - len(line.lstrip()))
            if line.endswith("{"):
                self.begin(number)

    def close(self, number, indentation):
        while self.open and self.open[-1][0] >= indentation:
            _, kind, first = self.open.pop()
            if kind == "function":
                self.functions.append((first, number - first + 1))

    def begin(self, number):
        first = number
        while first > 1 and CONTINUES.match(self.lines[first - 2]):
            first -= 1
        statement = " ".join(self.lines[first - 1 : number]).strip()
        indentation = len(self.lines[first - 1]) - len(self.lines[first - 1].lstrip())
        inside = any(kind == "function" for _, kind, _ in self.open)
        if CONTROL.match(statement):
            kind = "control"
            self.depths.append((number, 1 + sum(kind == "control" for _, kind, _ in self.open)))
        elif inside or "(" not in statement or SCOPE.match(statement):
            kind = "other"
        else:
            kind = "function"
        self.open.append((indentation, kind, first))


def function_faults(root):
    for path in sources(root, "src", "include", "apps"):
        blocks = Blocks(path.read_text(encoding="utf-8"))
        name = path.relative_to(root)
        for first, lines in blocks.functions:
            if lines > MAX_FUNCTION_LINES:
                yield f"{name}:{first}: a function of {lines} lines, more than {MAX_FUNCTION_LINES}: divide it"
        for number, depth in blocks.depths if "reference" not in name.parts else []:
            if depth > MAX_DEPTH:
                yield f"{name}:{number}: a block {depth} deep, more than {MAX_DEPTH}: make a function of it"


def header_faults(root):
    for path in sources(root, "src", "include", "apps"):
        if path.suffix == ".h" and "#pragma once" not in path.read_text(encoding="utf-8"):
            yield f"{path.relative_to(root)}: no #pragma once"


def example_faults(root):
    """The code of docs/library.md is that of the compiled example, between its markers."""
    example = root / "examples" / "train_and_predict.cpp"
    shown = re.search(r"// \[shown\]\n(.*?)// \[shown end\]\n", example.read_text(encoding="utf-8"), re.S)
    if not shown:
        yield "examples/train_and_predict.cpp: the markers [shown] and [shown end] are gone"
    elif f"```cpp\n{shown[1]}```" not in (root / "docs" / "library.md").read_text(encoding="utf-8"):
        yield "docs/library.md: its C++ code is not that between the markers of examples/train_and_predict.cpp"


def faults(root):
    rules = Rules(root)
    yield from table_faults(root, rules)
    yield from include_faults(root, rules)
    yield from length_faults(root)
    yield from function_faults(root)
    yield from header_faults(root)
    yield from example_faults(root)


SMALL_TREE = {
    "CMakeLists.txt": "set(LAPEL_FOLDERS\n    base\n    kernels)\n",
    "src/README.md": "| folder | may use | other headers |\n|---|---|---|\n| `base` | | `fmt/` |\n"
    "| `kernels` | `base` | `oneapi/dnnl/` |\n| `include/lapel` | | |\n| `apps/lapel` | | `CLI/` |\n\n"
    "| room | may use | other headers |\n|---|---|---|\n| `kernels/simd` | | `hwy/` |\n"
    "| `kernels/dense` | `kernels/simd` | |\n\n"
    "| closed room | includes | is included by | why |\n|---|---|---|---|\n"
    "| `kernels/dense` | `base/a.h` `kernels/simd/s.h` | `kernels/make.cpp` | |\n",
    "src/base/a.h": '#pragma once\n#include <vector>\n#include <fmt/core.h>\n#include "lapel/x.h"\n',
    "src/kernels/k.cpp": '#include "kernels/k.h"\n#include "base/a.h"\n#include <oneapi/dnnl/dnnl.hpp>\n',
    "src/kernels/k.h": "#pragma once\n",
    "src/kernels/make.cpp": '#include "kernels/dense/d.h"\n',
    "src/kernels/simd/s.h": '#pragma once\n#include <hwy/highway.h>\n#include "kernels/k.h"\n',
    "src/kernels/dense/d.h": '#pragma once\n#include "base/a.h"\n#include "kernels/simd/s.h"\n',
    "include/lapel/x.h": "#pragma once\n#include <string>\n",
    "apps/lapel/main.cpp": '#include <CLI/CLI.hpp>\n#include "lapel/x.h"\n',
    "tests/base/t.cpp": "",
    "examples/train_and_predict.cpp": "// [shown]\nint x;\n// [shown end]\n",
    "docs/library.md": "```cpp\nint x;\n```\n",
}

# Each: the file, what is put at its end, and the fault that this makes.
PLANTED = [
    ("src/base/a.h", '#include "kernels/k.h"\n', 'src/base/a.h:5: base: the table does not let it use "kernels/k.h"'),
    ("src/base/a.h", "#include <oneapi/dnnl/dnnl.hpp>\n",
     "src/base/a.h:5: base: the table does not give it the header <oneapi/dnnl/dnnl.hpp>"),
    ("src/base/a.h", "#include <unistd.h>\n", "src/base/a.h:5: base: the table does not give it the header <unistd.h>"),
    ("src/kernels/k.h", '#include "k2.h"\n',
     'src/kernels/k.h:2: kernels: "k2.h" is not given by its path from src/ or include/'),
    ("src/kernels/k.h", '#include "base/b.h"\n', 'src/kernels/k.h:2: kernels: "base/b.h" does not exist'),
    ("src/kernels/simd/s.h", '#include "kernels/dense/d.h"\n',
     'src/kernels/simd/s.h:4: kernels/simd: the table does not let it use "kernels/dense/d.h"'),
    ("src/kernels/dense/d.h", "#include <hwy/highway.h>\n",
     "src/kernels/dense/d.h:4: kernels/dense: the table does not give it the header <hwy/highway.h>"),
    ("src/kernels/k.h", '#include "kernels/dense/d.h"\n',
     'src/kernels/k.h:2: kernels: the table does not let it use "kernels/dense/d.h"'),
    ("src/kernels/dense/d.h", '#include "kernels/k.h"\n',
     'src/kernels/dense/d.h:4: kernels/dense: it is closed and does not list "kernels/k.h"'),
    ("src/kernels/k.cpp", '#include "kernels/dense/d.h"\n',
     'src/kernels/k.cpp:4: kernels: `kernels/dense` is closed, "kernels/dense/d.h" is not for this file'),
    ("src/kernels/conv/c.h", "#pragma once\n", "src/README.md: the table has no line for src/kernels/conv"),
    ("src/README.md", "| `kernels/conv` | `kernels/pool` | |\n",
     "src/README.md: `kernels/conv` uses `kernels/pool`, which does not come before it"),
    ("include/lapel/x.h", "#include <fmt/core.h>\n",
     "include/lapel/x.h:3: include/lapel: the table does not give it the header <fmt/core.h>"),
    ("include/lapel/x.h", '#include "base/a.h"\n',
     'include/lapel/x.h:3: include/lapel: the table does not let it use "base/a.h"'),
    ("apps/lapel/main.cpp", '  #  include "base/a.h"\n',
     'apps/lapel/main.cpp:3: apps/lapel: the table does not let it use "base/a.h"'),
    ("src/README.md", "| `data` | | |\n",
     "src/README.md: the table's folders ['base', 'kernels', 'data'] are not those of LAPEL_FOLDERS "
     "['base', 'kernels']"),
    ("src/train/t.h", "#pragma once\n", "src/README.md: the table has no line for src/train"),
    ("src/base/b.h", "int x;\n", "src/base/b.h: no #pragma once"),
    ("src/kernels/make.cpp", "int f(int a,\n      int b) {\n" + "  ++a;\n" * 68 + "}\n",
     "src/kernels/make.cpp:2: a function of 71 lines, more than 70: divide it"),
    ("src/kernels/make.cpp",
     "int f() {\n" + "".join("  " * i + "for (;;) {\n" for i in range(1, 6)) + "".join("  " * i + "}\n" for i in (5, 4, 3, 2, 1, 0)),
     "src/kernels/make.cpp:7: a block 5 deep, more than 4: make a function of it"),
    ("tests/base/t.cpp", "\n" * 451, "tests/base/t.cpp: 451 lines, more than 450: divide it"),
]


def write_tree(root, tree):
    for name, text in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def found_in(tree):
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder), tree)
        return list(faults(Path(folder)))


def self_test():
    wrong = []
    if found_in(SMALL_TREE):
        wrong.append(f"a good tree has faults: {found_in(SMALL_TREE)}")
    changed = {**SMALL_TREE, "examples/train_and_predict.cpp": "// [shown]\nint y;\n// [shown end]\n"}
    table = SMALL_TREE["src/README.md"].replace("| `base` | |", "| `base` | `kernels` |")
    backwards = {**SMALL_TREE, "src/README.md": table}
    cases = [({**SMALL_TREE, file: SMALL_TREE.get(file, "") + more}, fault) for file, more, fault in PLANTED]
    cases.append((changed, "docs/library.md: its C++ code is not that between the markers of examples/train_and_predict.cpp"))
    cases.append((backwards, "src/README.md: `base` uses `kernels`, which does not come before it"))
    for tree, fault in cases:
        found = found_in(tree)
        if found != [fault]:
            wrong.append(f"wanted {[fault]}, found {found}")
    return wrong


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    found = self_test() if sys.argv[1] == "--self-test" else list(faults(Path(sys.argv[1]).resolve()))
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
