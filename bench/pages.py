"""What the commands of this folder share: tables in Markdown, and the documents that they go into."""

import statistics
import sys


def table(header, rows):
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [header, ["---"] * len(header), *rows])


def spread(values, form="{:.2f}"):
    """The mean ± the standard deviation."""
    mean = form.format(statistics.fmean(values))
    return mean if len(values) < 2 else f"{mean} ± {form.format(statistics.stdev(values))}"


def put(page, command, text):
    """Puts what a command writes between its marks in a document, and says whose it is."""
    begin, end = f"<!-- {command}: begin -->\n", f"<!-- {command}: end -->"
    content = page.read_text()
    if content.count(begin) != 1 or content.count(end) != 1:
        sys.exit(f"error: {page}: {begin.strip()} and {end} are wanted, once each")
    before, rest = content.split(begin)
    page.write_text(f"{before}{begin}{text}\nWritten by `{command}`.\n{end}{rest.split(end)[1]}")
