"""Text that somebody else may have written, as a page in Markdown can hold it: it is shown, and never read as markup."""

import re

LONGEST = 2_000
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
MARKS = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=#]|^(?=\d+[.)])")
LINKS = ((re.compile(r":(?=//)"), "&#58;"), (re.compile(r"(?i)(?<=www)\."), "&#46;"))


def escaped(text: object, *, most: int = LONGEST) -> str:
    """A text of one line, without control characters, in which nothing is markup, HTML or a link.

    Parameters
    ----------
    text
        Whatever it is.
    most
        Letters; of a longer one the end is left out.
    """
    line = " ".join("".join(letter if letter.isprintable() or letter.isspace() else "�" for letter in str(text)).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    for mark, entity in ENTITIES.items():
        line = line.replace(mark, entity)
    line = MARKS.sub(lambda found: f"\\{found[0]}" if found[0] else "", line)
    for pattern, entity in LINKS:
        line = pattern.sub(entity, line)
    return line


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def heading(*cells: str, right: int = 0) -> str:
    """The first two lines of a table, the last `right` columns of it aligned to the right."""
    marks = ["---"] * (len(cells) - right) + ["--:"] * right
    return f"| {' | '.join(cells)} |\n|{'|'.join(marks)}|"
