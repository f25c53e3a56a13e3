"""The parts of a Markdown document: prose, code, tables, and what commands have written."""

import dataclasses
import re

BEGIN = re.compile(r"<!-- (.+): begin -->")
END = re.compile(r"<!-- (.+): end -->")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclasses.dataclass(frozen=True)
class Line:
    number: int
    text: str
    kind: str  # "prose", "code", "table", "blank", "mark" or "written"
    language: str = ""  # Of code: as its fence says; empty where it is indented.


def lines_of(text):
    """[Line]. What stands between two marks is "written", by a command."""
    found, fence, inside, code = [], None, False, False
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        kind, language = "prose", ""
        if fence is not None:
            kind, language = "code", fence
            if stripped == "```":
                fence, kind = None, "mark"
        elif BEGIN.fullmatch(stripped) or END.fullmatch(stripped):
            kind, inside = "mark", bool(BEGIN.fullmatch(stripped))
        elif inside:
            kind = "written"
        elif stripped.startswith("```"):
            fence, kind = stripped[3:], "mark"
        elif not stripped:
            kind = "blank"
        elif line.startswith("    ") and (code or not before.strip()):
            kind = "code"
        elif stripped.startswith("|"):
            kind = "table"
        code = kind == "code" and fence is None or code and kind == "blank"
        before = line
        found.append(Line(number, line, kind, language))
    return found


def anchors_of(text):
    """The names under which GitHub finds the headings."""
    found = set()
    for line in lines_of(text):
        if line.kind in ("prose", "written") and line.text.startswith("#"):
            title = re.sub(r"[`*]", "", line.text.lstrip("#").strip().lower())
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found
