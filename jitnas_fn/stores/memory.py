"""A store in memory: gone with the process. For tests, and for a client that is to keep nothing."""

import secrets
from collections.abc import Iterable, Iterator, Mapping

from jitnas_fn.stores._indexed import IndexedStore
from jitnas_fn.stores._lines import Heading


class MemoryStore(IndexedStore):
    """Entries in a list. They are kept as text, so that a caller who changes a record it was given changes nothing here."""

    def __init__(self) -> None:
        super().__init__()
        self._name = secrets.token_hex(8)
        self._lines: list[bytes] = []

    def keep(self, lines: Mapping[Heading, bytes]) -> int:
        """Keep lines of those that are not known; how many."""
        with self._mutex:
            before = len(self._lines)
            for heading, line in lines.items():
                if not self._index.knows(heading):
                    self._lines.append(line)  # first: a child may be forked in between
                    self._index.add(heading, len(self._lines) - 1)
            return len(self._lines) - before

    def _refresh(self) -> None:
        """Nobody else appends."""

    def _read(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        return ((number, self._lines[number]) for number in numbers)

    def _set_aside(self, number: int, line: bytes) -> None:
        """Every line was verified when it came."""

    def _mark(self) -> tuple[str, int]:
        return self._name, len(self._lines)
