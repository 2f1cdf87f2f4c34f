"""A published table of trained networks: what it is of, and what one of its rows says."""

import csv
import gzip
import hashlib
import io
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.errors import TableError

MOST_BYTES = 500_000_000  # unpacked
MOST_ROWS = 2_000_000
LONGEST_CELL, LONGEST_LINE = 1_000, 50_000
NUMBER = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Figure:
    """What a row says of one dataset after so many epochs.

    Attributes
    ----------
    dataset, recipe
        By name; the recipe is one of `jitnas_fn.recipes._published`.
    validation, test
        Accuracy as a fraction; None where the table has none.
    runs
        How many trainings `test` is the mean of; None where the table does not say.
    seconds
        That they took, as published; None where the table has none. [s]
    """

    dataset: str
    recipe: str
    validation: float | None
    test: float | None
    runs: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One network.

    Attributes
    ----------
    index
        Its name in the table.
    point
        Of the table's space.
    sizes
        Dataset → (parameters, multiply-adds), None for what the table does not say.
    figures
        What was measured.
    """

    index: str
    point: tuple[Any, ...]
    sizes: Mapping[str, tuple[int | None, int | None]]
    figures: tuple[Figure, ...]


class Table(ABC):
    """A published table, such as those in `jitnas_fn.tables`; reads the comma-separated form of it, packed or not.

    Attributes
    ----------
    about, source
        What it is, and its publication.
    space
        Name of the search space whose points its rows are.
    splits
        Dataset → [(split, number of samples)], as its authors have divided it.
    splits_of
        (dataset, recipe) → the same, where a recipe has another division.
    columns
        Those that a file has to have.
    epochs
        Recipe → epochs; the first is the cheapest.
    chosen_by, read_by
        In a replay, by which recipe's validation a search chooses, and by which recipe's test its end is read. None for the
        first where there is no validation, and nothing can be replayed; None for the second where it is the same.
    cheaper
        Recipes of lower fidelity than `chosen_by`, the cheapest first.
    timed_as
        Dataset without a published time → one with as many samples of the same size, whose times are taken in its place.
    part_timed
        (dataset, recipe) → the part of the samples that were trained on, of those that the published times are of.
    notes
        Dataset → what else a record should say, such as that its figures are not all of one training.
    """

    about: ClassVar[str]
    source: ClassVar[str]
    space: ClassVar[str]
    splits: ClassVar[Mapping[str, Sequence[tuple[str, int]]]]
    splits_of: ClassVar[Mapping[tuple[str, str], Sequence[tuple[str, int]]]] = {}
    columns: ClassVar[tuple[str, ...]]
    epochs: ClassVar[Mapping[str, int]]
    chosen_by: ClassVar[str | None]
    read_by: ClassVar[str | None] = None
    cheaper: ClassVar[tuple[str, ...]] = ()
    timed_as: ClassVar[Mapping[str, str]] = {}
    part_timed: ClassVar[Mapping[tuple[str, str], float]] = {}
    notes: ClassVar[Mapping[str, str]] = {}

    @property
    def name(self) -> str:
        """That of its file."""
        return type(self).__module__.rpartition(".")[2]

    @abstractmethod
    def row(self, fields: Mapping[str, str]) -> Row:
        """The row that a line of the file holds; raises `ValueError`, `KeyError` or `TableError` where it is none."""

    def read(self, file: str | Path) -> tuple[list[Row], str]:
        """All rows of a file, and the SHA-256 of its text.

        Raises
        ------
        TableError
            If it is not this table: no text, other columns, values out of their range, an index or a point twice.
        """
        content = _unpacked(Path(file))
        try:
            lines = _cells(io.BytesIO(content))
            header = next(lines, [])
            missing = [name for name in self.columns if name not in header]
            if missing:
                raise TableError(f"{file} is no table {self.name}: it has no column {', '.join(missing[:5])}")
            rows = list(self._rows(header, lines))
        except (csv.Error, UnicodeDecodeError) as reason:
            raise TableError(f"{file} is no comma-separated text ({reason})") from None
        if not rows:
            raise TableError(f"{file} has no rows")
        return rows, hashlib.sha256(content).hexdigest()

    def _rows(self, header: list[str], lines: Iterator[list[str]]) -> Iterator[Row]:
        indices: set[str] = set()
        points: set[tuple[Any, ...]] = set()
        for number, cells in enumerate(lines, start=2):
            try:
                if number > MOST_ROWS:
                    raise TableError(f"more than {MOST_ROWS:,} rows")
                if not cells:  # an empty line
                    continue
                if len(cells) != len(header) or max(map(len, cells)) > LONGEST_CELL:
                    raise TableError("a cell is missing or too long, or there is one too many")
                row = self.row(dict(zip(header, cells, strict=True)))
                if row.index in indices:
                    raise TableError(f"{row.index[:40]} is an index twice")
                if row.point in points:
                    raise TableError(f"the point of {row.index[:40]} was there before")
                indices.add(row.index)
                points.add(row.point)
                yield row
            except (ValueError, KeyError, TypeError) as reason:
                raise TableError(f"line {number} of table {self.name}: {str(reason)[:200]}") from None


def _cells(lines: io.BytesIO) -> Iterator[list[str]]:
    """The cells of each line; a row is one line, so that no line or row may fill the memory."""
    while line := lines.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise TableError(f"a line has more than {LONGEST_LINE:,} bytes")
        yield next(csv.reader([line.decode("utf-8")], strict=True), [])


def fraction(percent: str) -> float | None:
    """An accuracy in percent as a fraction; None for an empty cell. Raises `TableError`."""
    value = _or_none(percent, float)
    if value is not None and finite(value, least=0, most=100) is None:
        raise TableError(f"an accuracy is from 0 to 100 percent, not {percent!r}")
    return None if value is None else round(value / 100, 12)


def share(text: str) -> float | None:
    """An accuracy that is a fraction already; None for an empty cell. Raises `TableError`."""
    value = _or_none(text, float)
    if value is not None and finite(value, least=0, most=1) is None:
        raise TableError(f"an accuracy is from 0 to 1, not {text!r}")
    return value


def seconds(text: str) -> float | None:
    """A time [s]; None for an empty cell. Raises `TableError`."""
    value = _or_none(text, float)
    if value is not None and finite(value, least=0, most=1e9) is None:
        raise TableError(f"a time in seconds is above 0, not {text!r}")
    return value


def count(text: str) -> int | None:
    """A whole number; None for an empty cell. Raises `TableError`."""
    value = _or_none(text, int)
    if value is not None and not 0 <= value < 1 << 62:
        raise TableError(f"a count is a whole number from 0, not {text!r}")
    return value


def _or_none(text: str, kind: Callable[[str], Value]) -> Value | None:
    if not text.strip():
        return None
    if not NUMBER.fullmatch(text.strip()):
        raise TableError(f"a number is written in digits, not {text[:40]!r}")
    return kind(text)


def _unpacked(path: Path) -> bytes:
    """The text of a file, at most `MOST_BYTES` of it, so that no small packed file fills the memory."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError, zlib.error) as reason:
        raise TableError(f"{path} cannot be read ({reason})") from None
    if len(content) > MOST_BYTES:
        raise TableError(f"{path} has more than {MOST_BYTES:,} bytes unpacked")
    return content
