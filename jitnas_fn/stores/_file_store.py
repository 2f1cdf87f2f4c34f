"""A store whose lines are in one file that grows, with an index on the disk beside it."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from jitnas_fn.core.errors import RecordError
from jitnas_fn.stores._aside import Aside
from jitnas_fn.stores._index import Index
from jitnas_fn.stores._indexed import IndexedStore
from jitnas_fn.stores._lines import Heading, entry_of, heading_at_a_glance, heading_of
from jitnas_fn.stores._log import Log
from jitnas_fn.stores._table import Table

FEW = 2_000  # lines that are looked through sooner than an index is made for them


class FileStore(IndexedStore):
    """The entries of one file. A subclass says how it is written.

    Parameters
    ----------
    log
        The file. `<name>.index` beside it tells what its lines hold; it is made anew when a quarter of them is not in it.
    aside
        Where damaged lines are copied to.

    Attributes
    ----------
    few
        Lines beyond which an index is made; None for a file that never has one.
    """

    few: int | None = FEW

    def __init__(self, log: Log, aside: Aside) -> None:
        super().__init__()
        self._log, self._aside = log, aside
        self._covered = 0  # lines that the table covers
        self._left_out: set[int] = set()
        self._name = ""

    @property
    def _table_path(self) -> Path:
        return self._log.path.with_name(f"{self._log.path.name}.index")

    def _refresh(self) -> None:
        self._take_in(self._log.status())

    def _take_in(self, status: os.stat_result | None) -> None:
        if self._log.was_replaced(status):
            self._index, self._left_out, self._name, self._covered = Index(), set(), "", 0
        if self.few is not None and not len(self._log):
            self._adopt_table()
        damaged = [line for number, line in self._log.new_lines(status) if not self._take(number, line)]
        self._aside.keep(damaged)
        if self.few is not None and len(self._log) - self._covered > max(self.few, self._covered // 4):
            self._write_table()

    def _took(self, numbers: range, lines: Mapping[Heading, bytes]) -> None:
        """Index lines that were just written."""
        for number, (heading, line) in zip(numbers, lines.items(), strict=True):
            self._name = self._name or _name_after(line)
            self._index.add(heading, number)

    def _take(self, number: int, line: bytes) -> bool:
        """Index a line; whether it could be."""
        self._name = self._name or _name_after(line)
        try:
            self._index.add(heading_at_a_glance(line) or heading_of(entry_of(line)), number)
        except RecordError:
            self._left_out.add(number)
            return False
        return True

    def _adopt_table(self) -> None:
        table = Table.opened(self._table_path)
        if table is not None and self._log.adopt(table):
            self._use(table)

    def _use(self, table: Table) -> None:
        self._index, self._left_out = Index(table), set(table.left_out)
        self._covered, self._name = table.lines, table.first[:16]

    def _write_table(self) -> None:
        """Put an index beside the file, if the disk takes one, and keep what it covers in memory no longer."""
        self._covered = len(self._log)  # whether it can be written or not, try again only when there is much more
        with contextlib.suppress(OSError, LookupError):  # the file may be replaced just now
            ends = self._log.ends()
            edges = [line for _, line in self._log.read([0, len(self._log) - 1])]
            self._index.write(self._table_path, ends=ends, first=edges[0], last=edges[-1], left_out=self._left_out)
            table = Table.opened(self._table_path)
            if table is not None and table.lines == len(self._log):
                self._use(table)

    def _read(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        wanted = [number for number in numbers if number not in self._left_out]
        return self._log.read(wanted) if wanted else iter(())

    def _line(self, number: int) -> bytes:
        if not hasattr(os, "pread"):
            return super()._line(number)
        return b"" if number in self._left_out else self._log.line(number)

    def _set_aside(self, number: int, line: bytes) -> None:
        self._left_out.add(number)
        self._aside.keep([line])

    def _mark(self) -> tuple[str, int]:
        return self._name, len(self._log)


def _name_after(first_line: bytes) -> str:
    return hashlib.sha256(first_line).hexdigest()[:16]
