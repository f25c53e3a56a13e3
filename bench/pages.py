"""What the commands of this folder share: tables in Markdown, and the documents that they go into."""

import statistics
import sys


def table(header, rows):
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [header, ["---"] * len(header), *rows])


def spread(values, form="{:.2f}"):
    """The mean ± the standard deviation."""
    mean = form.format(statistics.fmean(values))
    return mean if len(values) < 2 else f"{mean} ± {form.format(statistics.stdev(values))}"


def put(page, marker, text):
    """Puts a text between the marks of that name in a document."""
    begin, end = f"<!-- {marker}: begin -->\n", f"<!-- {marker}: end -->"
    content = page.read_text()
    if content.count(begin) != 1 or content.count(end) != 1:
        sys.exit(f"error: {page}: {begin.strip()} and {end} are wanted, once each")
    before, rest = content.split(begin)
    page.write_text(before + begin + text + end + rest.split(end)[1])
