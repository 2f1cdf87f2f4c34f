"""Several stores as one: the user's cache over the published snapshot, and over shared storage when that is reachable."""

from collections.abc import Iterable, Sequence

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.interfaces import Cursor, Store, Taken
from jitnas_fn.core.record import Record
from jitnas_fn.stores._layers import Layers


class LayeredStore(Layers):
    """Asks its layers in order and writes to the first. What one layer retracts is hidden in all.

    Parameters
    ----------
    stores
        At least one; the first must be writable for `put`.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        if not stores:
            raise ValueError("a LayeredStore needs at least one store")
        self.stores = tuple(stores)

    def _layers(self) -> Sequence[Store]:
        return self.stores

    def put(self, record: Record) -> None:
        """Keep a record in the first layer."""
        self.stores[0].put(record)

    def append(self, entry: Entry) -> None:
        """Keep an entry of any kind in the first layer."""
        self.stores[0].append(entry)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Keep many entries in the first layer."""
        self.stores[0].extend(entries)

    def take(self, lines: Iterable[bytes]) -> Taken:
        """Keep lines in the first layer, after verifying each."""
        return self.stores[0].take(lines)

    def since(self, cursor: Cursor, *, max_bytes: int | None = None) -> tuple[list[Entry], Cursor]:
        """Entries of all layers that came after `cursor`, layer by layer, and the cursor after them."""
        entries: list[Entry] = []
        after: Cursor = {}
        for place, store in enumerate(self.stores):
            prefix = f"{place}."
            own = {name.removeprefix(prefix): seen for name, seen in cursor.items() if name.startswith(prefix)}
            if entries and max_bytes is not None:  # a layer a page
                after |= {prefix + name: seen for name, seen in own.items()}
                continue
            new, position = store.since(own, max_bytes=max_bytes)
            entries += new
            after |= {prefix + name: seen for name, seen in position.items()}
        return entries, after
