"""Writes the tables into docs/performance.md, between two marks; all else there is written by hand."""

import re

from .tables import machine_lines, sections

BEGIN = "<!-- written by bench/peers/compare --write: begin -->"
END = "<!-- written by bench/peers/compare --write: end -->"


def generated(results, chart):
    """The part of the page that is made from the results."""
    lines = [*machine_lines(results), ""]
    for title, table in sections(results):
        lines += [f"### {title}", "", *table, ""]
        if chart:
            lines += [f"![How many times faster than the fastest peer]({chart})", ""]
            chart = None
    return "\n".join(lines)


def replace_generated(page, text):
    """The page with `text` between its marks."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"error: the page has no lines '{BEGIN}' and '{END}' to write between")
    return pattern.sub(lambda match: f"{BEGIN}\n{text}\n{END}", page, count=1)
