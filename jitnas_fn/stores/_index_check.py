"""Whether the index beside a file of lines says what is in the file."""

import contextlib
import hashlib
from pathlib import Path

from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import RecordError
from jitnas_fn.stores._lines import Heading, entry_of, heading_at_a_glance, heading_of
from jitnas_fn.stores._table import Table
from jitnas_fn.stores.careful import kind_of


class IndexCheck:
    """An index held against every line of its file, as they are read one after another.

    Parameters
    ----------
    path
        Of the index, which may be missing or anything.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._number = path, 0
        self._table = Table.opened(path) if path.exists() and not kind_of(path) else None
        self._fits = self._table is not None
        self._named: set[str] = set()
        self._found: set[str] = set()

    def take(self, line: bytes, end: int, *, is_entry: bool = True) -> bool:
        """Take in the next line, and verify it.

        Parameters
        ----------
        line
            Its content, or the beginning of one that is too long to be an entry.
        end
            Where in the file it ends. [bytes]
        is_entry
            Whether it should be one.

        Returns
        -------
        bool
            Whether it is as it should be.

        Raises
        ------
        NewerVersion
            If a later version of jitnas_fn wrote it.
        """
        heading = None
        if is_entry:
            with contextlib.suppress(RecordError):
                heading = heading_of(entry_of(line))
        if self._table is not None and self._fits and self._number < self._table.lines:
            self._fits = self._agrees(self._table, line, end=end, heading=heading)
        self._number += 1
        return heading is not None or not is_entry

    def remove_if_wrong(self) -> bool:
        """Remove the index if it is not that of the lines taken; whether it was removed."""
        wrong = not (self._fits and self._is_all())
        self._table = None  # an open file cannot be removed everywhere
        if not wrong or kind_of(self._path) == "a folder":
            return False
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def _agrees(self, table: Table, line: bytes, *, end: int, heading: Heading | None) -> bool:
        number, seems = self._number, heading or heading_at_a_glance(line)
        edge = {0: table.first, table.lines - 1: table.last}.get(number)
        is_edge = edge is None or len(line) > MAX_ENTRY_BYTES or edge == hashlib.sha256(line).hexdigest()
        if table.ends[number] != end or not is_edge:
            return False
        if number in table.left_out and heading is not None:
            return False
        return seems is None or self._knows(table, seems, number)

    def _knows(self, table: Table, heading: Heading, number: int) -> bool:
        """Whether the index has what is, or seems to be, on a line. Of what is there twice it names either line."""
        if heading.kind in ("record", "architecture"):
            rows = table.rows_of(heading.name) if heading.kind == "record" else []
            there = [*(row.number for row in rows), *table.lines_of_document(heading.name)]
            if not there:
                return number in table.left_out
            self._named.add(heading.name)
            if number in there:
                self._found.add(heading.name)
            return True
        return table.is_retracted(heading.name) if heading.kind == "retraction" else table.has_other(heading.name)

    def _is_all(self) -> bool:
        table = self._table
        if table is None or table.lines > self._number or not self._named <= self._found:
            return False
        return all(row.record_id in self._found for row in table.rows())
