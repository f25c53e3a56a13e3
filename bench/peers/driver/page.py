"""What `compare --write` puts into docs/performance.md and README.md, between its marks; all else there is written by hand."""

import pathlib
import sys

from .tables import machine_lines, sections, short_table

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import pages  # noqa: E402

COMMAND = "bench/peers/compare --write"


def generated(results, chart):
    """The part of docs/performance.md that is made from the results."""
    lines = [*machine_lines(results), ""]
    for title, table in sections(results):
        lines += [f"### {title}", "", *table, ""]
        if chart:
            lines += [f"![How many times faster than the fastest peer]({chart})", ""]
            chart = None
    return "\n".join(lines)


def short(results):
    """The table of README.md."""
    machine = results["machine"]
    on = (f"Each in its fastest mode and precision, {machine['date']}; {machine['cpu']} ({machine.get('isa', 'no run of Lapel')}), "
          f"{machine['threads']} threads.")
    return "\n".join([*short_table(results), "", on, ""])


def write(page, text):
    pages.put(page, COMMAND, text)
