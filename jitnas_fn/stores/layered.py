"""Several stores as one: the user's cache over the published snapshot, and over shared storage when that is reachable."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.interfaces import Cursor, Store
from jitnas_fn.core.record import Record


class Layer(Store, Protocol):
    """A store that can stand in a stack: it also says what it holds and what it withdraws, without reading records."""

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted."""

    def is_retracted(self, record_id: str) -> bool:
        """Whether this store has a retraction of the record."""


class LayeredStore:
    """Asks its layers in order and writes to the first. What one layer retracts is hidden in all.

    Parameters
    ----------
    stores
        At least one; the first must be writable for `put`.
    """

    def __init__(self, stores: Sequence[Layer]) -> None:
        if not stores:
            raise ValueError("a LayeredStore needs at least one store")
        self.stores = tuple(stores)

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`: the best of all layers, by `Record.order`; None if none has one."""
        return next(iter(self.replicates(key)), None)

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` in any layer that is not retracted, best first."""
        found: dict[str, Record] = {}
        for store in self.stores:
            for record in store.replicates(key):
                _keep_fullest(found, record)
        standing = [record for name, record in found.items() if not self.is_retracted(name)]
        return sorted(standing, key=lambda record: record.order, reverse=True)

    def put(self, record: Record) -> None:
        """Keep a record in the first layer."""
        self.stores[0].put(record)

    def append(self, entry: Entry) -> None:
        """Keep an entry of any kind in the first layer."""
        self.stores[0].append(entry)

    def since(self, cursor: Cursor) -> tuple[list[Entry], Cursor]:
        """Entries of all layers that came after `cursor`, layer by layer, and the cursor after them."""
        entries: list[Entry] = []
        after: Cursor = {}
        for place, store in enumerate(self.stores):
            prefix = f"{place}."
            own = {name.removeprefix(prefix): seen for name, seen in cursor.items() if name.startswith(prefix)}
            new, position = store.since(own)
            entries += new
            after |= {prefix + name: seen for name, seen in position.items()}
        return entries, after

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture, from the first layer that has it."""
        return next((document for store in self.stores if (document := store.document(fingerprint)) is not None), None)

    def records(self) -> Iterator[Record]:
        """Every record of any layer that is not retracted, each once."""
        seen: set[str] = set()
        for store in self.stores:
            for record in store.records():
                name = record.record_id
                if name not in seen and not self.is_retracted(name):
                    seen.add(name)
                    yield record

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted."""
        names = dict.fromkeys(name for store in self.stores for name in store.record_ids())
        return [name for name in names if not self.is_retracted(name)]

    def is_retracted(self, record_id: str) -> bool:
        """Whether any layer has a retraction of the record."""
        return any(store.is_retracted(record_id) for store in self.stores)

    def __len__(self) -> int:
        """Number of records, each counted once."""
        return len(self.record_ids())


def _keep_fullest(found: dict[str, Record], record: Record) -> None:
    """Of two copies of one record prefer the one whose test part is open."""
    name = record.record_id
    if name not in found or found[name].seal.get("salt") is None:
        found[name] = record
