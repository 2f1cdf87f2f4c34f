"""A store that may be away, such as shared storage seen from a laptop: then it is as good as empty, and a warning says so.

So is one that a newer jitnas_fn wrote to: what the user has in other layers is not withheld for that.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.core.interfaces import Cursor, Store, Taken
from jitnas_fn.core.record import Record

RETRY_SECONDS = 60.0
Answer = TypeVar("Answer")


class ReachableStore:
    """Another store as long as it can be read. What is written to it fails as it does there.

    Parameters
    ----------
    opened
        Opens the store; called when it is first asked, and again a minute after it could not be read.
    clock
        Seconds that only rise, for tests.
    """

    def __init__(self, opened: Callable[[], Store], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._opened, self._clock = opened, clock
        self._store: Store | None = None
        self._away_until = float("-inf")

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`; None if there is none, or the store is away."""
        return self._asked(lambda store: store.get(key), otherwise=None)

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` that is not retracted, best first; none if the store is away."""
        return self._asked(lambda store: store.replicates(key), otherwise=[])

    def put(self, record: Record) -> None:
        """Keep a record; raises `StoreError` if the store is away."""
        self._there().put(record)

    def append(self, entry: Entry) -> None:
        """Keep an entry; raises `StoreError` if the store is away."""
        self._there().append(entry)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Keep entries; raises `StoreError` if the store is away."""
        self._there().extend(entries)

    def take(self, lines: Iterable[bytes]) -> Taken:
        """Keep lines, each verified; raises `StoreError` if the store is away."""
        return self._there().take(lines)

    def since(self, cursor: Cursor, *, max_bytes: int | None = None) -> tuple[list[Entry], Cursor]:
        """Entries that came after `cursor`, and the cursor after them; the same cursor if the store is away."""
        nothing: tuple[list[Entry], Cursor] = [], cursor
        return self._asked(lambda store: store.since(cursor, max_bytes=max_bytes), otherwise=nothing)

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture; None if there is none, or the store is away."""
        return self._asked(lambda store: store.document(fingerprint), otherwise=None)

    def records(self) -> Iterator[Record]:
        """Every record that is not retracted, as far as the store can be read."""
        return self._one_by_one(lambda store: store.records())

    def every_line(self) -> Iterator[bytes]:
        """Every entry as one line of JSON, as far as the store can be read."""
        return self._one_by_one(lambda store: store.every_line())

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted; none if the store is away."""
        return self._asked(lambda store: store.record_ids(), otherwise=[])

    def is_retracted(self, record_id: str) -> bool:
        """Whether the store has a retraction of that record, and is there."""
        return self._asked(lambda store: store.is_retracted(record_id), otherwise=False)

    def __len__(self) -> int:
        """Number of records; 0 if the store is away."""
        return self._asked(len, otherwise=0)

    def _asked(self, ask: Callable[[Store], Answer], *, otherwise: Answer) -> Answer:
        if self._clock() < self._away_until:
            return otherwise
        try:
            return ask(self._there())
        except (StoreError, NewerVersion) as trouble:
            self._is_away(trouble)
            return otherwise

    def _one_by_one(self, ask: Callable[[Store], Iterator[Answer]]) -> Iterator[Answer]:
        if self._clock() < self._away_until:
            return
        try:
            yield from ask(self._there())
        except (StoreError, NewerVersion) as trouble:
            self._is_away(trouble)

    def _there(self) -> Store:
        if self._store is None:
            self._store = self._opened()
        return self._store

    def _is_away(self, trouble: StoreError | NewerVersion) -> None:
        self._away_until = self._clock() + RETRY_SECONDS
        warnings.warn(f"going on without this store for {RETRY_SECONDS:g} s: {trouble}", RuntimeWarning, stacklevel=4)
