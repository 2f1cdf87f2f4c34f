"""Several stores asked as one: the best record of all, and what one retracts is hidden in all."""

from collections.abc import Iterator, Sequence
from typing import Any

from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record


class Layers:
    """What is read of several stores."""

    def _layers(self) -> Sequence[Store]:
        """The stores, in the order in which they are asked."""
        raise NotImplementedError

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`: the best of all layers, by `Record.order`; None if none has one."""
        return next(iter(self.replicates(key)), None)

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` in any layer that is not retracted, best first."""
        layers, found = self._layers(), dict[str, Record]()
        for store in layers:
            for record in store.replicates(key):
                name = record.record_id
                if name not in found or found[name].seal.get("salt") is None:  # of two copies the one that is open
                    found[name] = record
        standing = [record for name, record in found.items() if not _retracted(layers, name)]
        return sorted(standing, key=lambda record: record.order, reverse=True) if len(standing) > 1 else standing

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture, from the first layer that has it."""
        return next((document for store in self._layers() if (document := store.document(fingerprint)) is not None), None)

    def records(self) -> Iterator[Record]:
        """Every record of any layer that is not retracted, each once."""
        layers, seen = self._layers(), set[str]()
        for store in layers:
            for record in store.records():
                name = record.record_id
                if name not in seen and not _retracted(layers, name):
                    seen.add(name)
                    yield record

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted."""
        layers = self._layers()
        names = dict.fromkeys(name for store in layers for name in store.record_ids())
        return [name for name in names if not _retracted(layers, name)]

    def is_retracted(self, record_id: str) -> bool:
        """Whether any layer has a retraction of the record."""
        return _retracted(self._layers(), record_id)

    def __len__(self) -> int:
        """Number of records, each counted once."""
        return len(self.record_ids())


def _retracted(layers: Sequence[Store], record_id: str) -> bool:
    return any(store.is_retracted(record_id) for store in layers)
