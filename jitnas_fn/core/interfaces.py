"""What the rooms promise each other, as structural types."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.record import Record

Cursor = dict[str, int]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of lines: how many there were, how many of them were new, and how many damaged."""

    lines: int
    new: int
    damaged: int


class Store(Protocol):
    """Where records are kept. Every store keeps all records under a key; `get` answers by `Record.order`."""

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`, retracted ones left out; None if there is none."""

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` that is not retracted, best first."""

    def put(self, record: Record) -> None:
        """Keep a record. Once this returns it survives any kill. A record that is there already is not kept twice."""

    def append(self, entry: Entry) -> None:
        """Keep an entry of any kind, as durable as `put`."""

    def extend(self, entries: Iterable[Entry]) -> None:
        """Keep many entries, as durable as `put`."""

    def take(self, lines: Iterable[bytes]) -> Taken:
        """Keep log entries that come as lines of JSON, after verifying each; those that are damaged are left out."""

    def since(self, cursor: Cursor, *, max_bytes: int | None = None) -> tuple[list[Entry], Cursor]:
        """Entries that came after `cursor` (writer → number of its entries seen), and the cursor after them.

        With `max_bytes` as many as are not longer together, at least one; the cursor says from where to ask on.
        """

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture; None if this store has none."""

    def records(self) -> Iterator[Record]:
        """Every record that is not retracted."""

    def every_line(self) -> Iterator[bytes]:
        """Every entry as one line of JSON, as it is, some perhaps twice: for looking through many. Nothing is verified."""

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted."""

    def is_retracted(self, record_id: str) -> bool:
        """Whether this store has a retraction of that record."""

    def __len__(self) -> int:
        """Number of records."""
