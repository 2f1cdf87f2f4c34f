"""The user's cache: a TinyDB database that appends.

On disk it is a text file of JSON lines, each a log entry in canonical JSON (`jitnas_fn.core.entry`), each ended by a newline.
What follows the last newline was torn by a kill and is not read; the next writer moves it to `<name>.corrupt`. A line that is
damaged stays where it is, is copied there once, and is left out. Writers hold a lock on `<name>.lock`, readers hold none.

TinyDB's own storage writes the whole file at each insert, and its table rebuilds the whole table: quadratic in time, and two
processes destroy the file. Here both are replaced, and `TinyStore.db` can still be searched with a `tinydb.Query`.
"""

import os
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import RecordError
from jitnas_fn.stores._aside import Aside
from jitnas_fn.stores._database import TABLE, EntryDatabase
from jitnas_fn.stores._disk import failure
from jitnas_fn.stores._file_store import FileStore
from jitnas_fn.stores._lines import Heading, entry_of
from jitnas_fn.stores._locked import LockedLog
from jitnas_fn.stores._setting_aside import CorruptFile
from jitnas_fn.stores.careful import opened

__all__ = ["TABLE", "TinyStore"]


class TinyStore(FileStore):
    """The entries of one file.

    Several processes may append to it, one at a time; each sees what the others appended when it next asks.

    Parameters
    ----------
    path
        The file; made, with its folder, by the first append.
    lock_timeout_seconds
        How long `append` waits for another process that is writing.

    Attributes
    ----------
    db
        The file as a `tinydb.TinyDB`: `store.db.search(Query().kind == "record")`. Entries are inserted, never changed.

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn wrote to the file: it is refused, not half-read.
    StoreError
        If the file cannot be read.
    """

    def __init__(self, path: str | PathLike[str], *, lock_timeout_seconds: float = 60.0) -> None:
        self.path = Path(path)
        self._file = LockedLog(self.path, lock_timeout_seconds=lock_timeout_seconds)
        super().__init__(self._file, Aside(self.path))
        self.db = EntryDatabase(self)
        self._refresh()

    def keep(self, lines: Mapping[Heading, bytes]) -> int:
        """Keep lines of those that are not known, and say how many; raises `StoreError` if they cannot be written."""
        with self._mutex, self._file.held():
            self._refresh()
            self._mend()
            new = {heading: line for heading, line in lines.items() if not self.knows(heading)}
            if len(new) < len(lines):  # another's lines may be seen before they are on the disk
                self._file.sync()
            if new:
                self._took(self._file.append(list(new.values())), new)
            return len(new)

    def _begin_again(self) -> None:
        self._file.forget()

    def _mend(self) -> None:
        """End the file with a newline: keep a whole entry that lacks only that, move anything less aside."""
        tail = self._file.torn_tail()
        if not tail:
            return
        try:
            whole = bool(entry_of(tail))
        except RecordError:
            whole = False
            self._copy_tail()
        self._file.mend(keep=whole)
        self._refresh()

    def _copy_tail(self) -> None:
        """Copy the torn end of the file before it is cut off; raises `StoreError` if it cannot be."""
        try:
            with opened(self.path, follow=True) as file:
                size = os.fstat(file.fileno()).st_size - self._file.end
                CorruptFile(self._aside.path).add(file, self._file.end, size)
        except OSError as reason:
            raise failure(self._aside.path, "written", reason) from None
        told = f"{self.path}: a damaged entry left out (copied to {self._aside.path})"
        warnings.warn(told, UserWarning, stacklevel=2)

    def entry(self, number: int) -> Entry | None:
        """The verified entry on line `number`, from 0; None if there is none."""
        with self._mutex:
            self._refresh()
            held = self._held([number], entry_of) if 0 <= number < len(self._log) else []
        return held[0] if held else None

    def lines(self) -> list[int]:
        """Numbers of all lines not known to be damaged."""
        with self._mutex:
            self._refresh()
            return [number for number in range(len(self._log)) if number not in self._left_out]

    def count(self) -> int:
        """Number of lines, the damaged ones too."""
        with self._mutex:
            self._refresh()
            return len(self._log)
