"""Numbers as a comma-separated file."""

import csv
from collections.abc import Sequence
from pathlib import Path

from jitnas_fn.client.export import FORMULA, MOST_LETTERS
from jitnas_fn.reports.figure import Cell


def write_sheet(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Write a heading and rows: numbers in full, an empty cell for what there is not."""
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(columns)
        sheet.writerows([[_shown(cell) for cell in row] for row in rows])


def _shown(cell: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula; anything else as it is."""
    if not isinstance(cell, str):
        return cell
    text = "".join(letter if letter.isprintable() else "?" for letter in cell[:MOST_LETTERS])
    return f"'{text}" if text.lstrip(" ").startswith(tuple(FORMULA)) else text
