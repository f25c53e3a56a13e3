#!/usr/bin/env python3
"""Holds the documents to their form. Standard library only.

    check_words.py SOURCE_DIR            exit code 1, and one line a fault
    check_words.py --count SOURCE_DIR    words, written lines, and lines beyond 110 characters of each document
    check_words.py --wrap SOURCE_DIR     breaks the prose of documents with longer lines anew
    check_words.py --self-test           plants each fault once and checks that it is found

Prose has lines of at most 110 characters. What a command writes stands between its marks, with a blank line before and
behind, and says by which command. Links lead somewhere. docs/README.md names every document. Some have bounds.
"""

import re
import sys
import tempfile
import textwrap
from pathlib import Path

from markdown import BEGIN, END, LINK, anchors_of, lines_of

LONGEST = 110
MOST_WORDS = {"docs/kernels.md": 2000, "README.md": 900, "docs/glossary.md": 1250}
MOST_WRITTEN_LINES = {"docs/performance.md": 40, "docs/frontier.md": 40}


def documents(root):
    found = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")]
    for folder in ("src", "bench", "include", "tests"):
        found += (root / folder).rglob("*.md")
    return sorted(path for path in found if path.exists())


def words_of(lines):
    return sum(len(line.text.split()) for line in lines if line.kind in ("prose", "table"))


def written_lines_of(lines):
    return sum(line.kind in ("prose", "table", "code") for line in lines)


def is_long(line):
    only_a_link = len(line.text.split()) == 1
    return line.kind == "prose" and len(line.text) > LONGEST and not only_a_link


def form_faults(name, lines):
    for line in lines:
        if is_long(line):
            yield f"{name}:{line.number}: {len(line.text)} characters, more than {LONGEST}"
    words, written = words_of(lines), written_lines_of(lines)
    if words > MOST_WORDS.get(name, words):
        yield f"{name}: {words} words, more than {MOST_WORDS[name]}"
    if written > MOST_WRITTEN_LINES.get(name, written):
        yield f"{name}: {written} lines by hand, more than {MOST_WRITTEN_LINES[name]}"


def mark_faults(root, name, lines):
    """What a command writes is whole, apart from the rest, and names the command."""
    open_command = None
    for i, line in enumerate(lines):
        begin, end = BEGIN.fullmatch(line.text), END.fullmatch(line.text)
        if begin:
            open_command, said, wrote = begin[1], False, False
            if i > 0 and lines[i - 1].text.strip():
                yield f"{name}:{line.number}: no blank line before what `{begin[1]}` writes"
            if not (root / begin[1].split()[0]).is_file():
                yield f"{name}:{line.number}: there is no command {begin[1].split()[0]}"
        elif end:
            if open_command != end[1]:
                yield f"{name}:{line.number}: the end of `{end[1]}` without its beginning"
            elif wrote and not said:  # Nothing is written before the command has run.
                yield f"{name}:{line.number}: does not say \"Written by `{end[1]}`.\""
            if i + 1 < len(lines) and lines[i + 1].text.strip():
                yield f"{name}:{line.number}: no blank line behind what `{end[1]}` writes"
            open_command = None
        elif open_command:
            wrote = True
            said = said or line.text == f"Written by `{open_command}`."
    if open_command:
        yield f"{name}: no end of what `{open_command}` writes"


def link_faults(root, path, name, lines):
    for line in lines:
        if line.kind not in ("prose", "table"):
            continue
        for target in LINK.findall(line.text):
            file, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            to = (path.parent / file) if file else path
            if not to.exists():
                yield f"{name}:{line.number}: a link to {target}, which is not there"
            elif anchor and to.suffix == ".md" and anchor not in anchors_of(to.read_text(encoding="utf-8")):
                yield f"{name}:{line.number}: a link to {target}, which has no such heading"


def faults(root):
    for path in documents(root):
        name = str(path.relative_to(root))
        lines = lines_of(path.read_text(encoding="utf-8"))
        yield from form_faults(name, lines)
        yield from mark_faults(root, name, lines)
        yield from link_faults(root, path, name, lines)
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    for path in sorted((root / "docs").glob("*.md")):
        if path.name != "README.md" and f"({path.name}" not in index:
            yield f"docs/README.md: does not name {path.name}"


def count(root):
    total = [0, 0, 0]
    print(f"{'words':>7} {'written':>8} {'long':>5}  document")
    for path in documents(root):
        lines = lines_of(path.read_text(encoding="utf-8"))
        numbers = [words_of(lines), written_lines_of(lines), sum(map(is_long, lines))]
        total = [a + b for a, b in zip(total, numbers)]
        print("{:7} {:8} {:5}  {}".format(*numbers, path.relative_to(root)))
    print("{:7} {:8} {:5}  all".format(*total))


def wrapped(text):
    """The document with its paragraphs and list items broken at LONGEST characters."""
    out, paragraph = [], []

    def flush():
        if paragraph:
            indent, bullet = re.match(r"(\s*)([-*] |\d+\. )?", paragraph[0]).groups("")
            words = " ".join([paragraph[0][len(indent) + len(bullet):].strip(), *(line.strip() for line in paragraph[1:])])
            out.extend(textwrap.wrap(words, LONGEST, initial_indent=indent + bullet, break_long_words=False,
                                     subsequent_indent=indent + " " * len(bullet), break_on_hyphens=False))
            paragraph.clear()

    for line in lines_of(text):
        alone = line.kind != "prose" or line.text.startswith(("#", "![", "<!--"))
        is_item = re.match(r"\s*([-*] |\d+\. )", line.text)
        title_before = paragraph and paragraph[-1].startswith("**") and paragraph[-1].endswith("**")
        if alone or is_item or title_before:
            flush()
        (out if alone else paragraph).append(line.text)
    flush()
    return "\n".join(out) + "\n"


def wrap(root):
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        if any(map(is_long, lines_of(text))):
            path.write_text(wrapped(text), encoding="utf-8")
            print(path.relative_to(root))


GOOD = {
    "README.md": "# A\n\nText [of](docs/a.md#b-c).\n\n    code " + "x" * 120 + "\n\n| table | " + "x" * 120 + " |\n",
    "CONTRIBUTING.md": "Text.\n",
    "docs/README.md": "[a](a.md) [kernels](kernels.md) [frontier](frontier.md)\n",
    "docs/a.md": "## B `c`\n\n<!-- bench/x --write: begin -->\n" + "x " * 100
    + "\n\nWritten by `bench/x --write`.\n<!-- bench/x --write: end -->\n",
    "docs/kernels.md": "```cpp\n" + "x " * 3000 + "\n```\n",
    "docs/frontier.md": "Text.\n" * 40,
    "bench/x": "",
}
# Each: the file, what is put in place of what, and the fault that this makes.
PLANTED = [
    ("README.md", "Text", "x " * 60 + "Text", "README.md:3: 145 characters, more than 110"),
    ("docs/kernels.md", "```cpp", "x " * 1000 + "\n\n" + "y " * 1001 + "\n\n```cpp",
     ["docs/kernels.md:1: 2000 characters, more than 110", "docs/kernels.md:3: 2002 characters, more than 110",
      "docs/kernels.md: 2001 words, more than 2000"]),
    ("docs/frontier.md", "Text.\n", "Text.\nMore.\n", "docs/frontier.md: 80 lines by hand, more than 40"),
    ("docs/a.md", "\n\n<!-- bench/x --write: begin", "\nText.\n<!-- bench/x --write: begin",
     "docs/a.md:3: no blank line before what `bench/x --write` writes"),
    ("docs/a.md", "end -->\n", "end -->\nText.\n", "docs/a.md:7: no blank line behind what `bench/x --write` writes"),
    ("docs/a.md", "Written by `bench/x --write`.", "Written.", "docs/a.md:7: does not say \"Written by `bench/x --write`.\""),
    ("docs/a.md", "<!-- bench/x --write: end -->\n", "", "docs/a.md: no end of what `bench/x --write` writes"),
    ("docs/a.md", "bench/x", "bench/y", "docs/a.md:3: there is no command bench/y"),
    ("README.md", "docs/a.md", "docs/b.md", "README.md:3: a link to docs/b.md#b-c, which is not there"),
    ("README.md", "#b-c", "#b", "README.md:3: a link to docs/a.md#b, which has no such heading"),
    ("docs/README.md", "[a](a.md)", "", "docs/README.md: does not name a.md"),
]


def found_in(tree):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return list(faults(Path(folder)))


def self_test():
    wrong = [f"a good tree has faults: {found_in(GOOD)}"] if found_in(GOOD) else []
    for file, old, new, fault in PLANTED:
        found = found_in({**GOOD, file: GOOD[file].replace(old, new)})
        if found != (fault if isinstance(fault, list) else [fault]):
            wrong.append(f"wanted {fault}, found {found}")
    text = "# " + "x " * 60 + "\n\n- " + "word " * 30 + "\n- b\n\n    code " + "x " * 60 + "\n"
    if wrapped(text) != text.replace("- " + "word " * 30, "- " + "word " * 20 + "word\n  " + "word " * 9).replace(" \n- b", "\n- b"):
        wrong.append(f"wrapped otherwise than wanted: {wrapped(text)}")
    return wrong


def main():
    actions = {"--count": count, "--wrap": wrap}
    if len(sys.argv) == 3 and sys.argv[1] in actions:
        return actions[sys.argv[1]](Path(sys.argv[2]).resolve())
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    found = self_test() if sys.argv[1] == "--self-test" else list(faults(Path(sys.argv[1]).resolve()))
    if found:
        print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
