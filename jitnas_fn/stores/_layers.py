"""Several stores asked as one: the best record of all, and what one retracts is hidden in all."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import is_key


class Layers(ABC):
    """What is read of several stores."""

    @abstractmethod
    def _layers(self) -> Sequence[Store]:
        """The stores, in the order in which they are asked."""

    def _layers_with(self, name: str) -> Sequence[Store]:
        """At least the stores that have something of this name: a key, the id of a record, the fingerprint of a document."""
        return self._layers()

    def _hidden(self, names: Iterable[str], layers: Sequence[Store]) -> set[str]:
        """The records that one of the stores retracts, of those with these ids."""
        return {name for name in names if any(store.is_retracted(name) for store in layers)}

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`: the best of all layers, by `Record.order`; None if none has one."""
        return next(iter(self.replicates(key)), None)

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` in any layer that is not retracted, best first."""
        if not is_key(key):
            return []
        layers, found = self._layers_with(key), dict[str, Record]()
        for store in layers:
            for record in store.replicates(key):
                name = record.record_id
                if name not in found or found[name].seal.get("salt") is None:  # of two copies the one that is open
                    found[name] = record
        hidden = self._hidden(found, layers)
        standing = [record for name, record in found.items() if name not in hidden]
        return sorted(standing, key=lambda record: record.order, reverse=True) if len(standing) > 1 else standing

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture, from the first layer that has it."""
        layers = self._layers_with(fingerprint) if is_key(fingerprint) else ()
        return next((document for store in layers if (document := store.document(fingerprint)) is not None), None)

    def records(self) -> Iterator[Record]:
        """Every record of any layer that is not retracted, each once."""
        layers, seen = self._layers(), set[str]()
        for store in layers:
            for record in store.records():
                name = record.record_id
                if name not in seen and not self._hidden([name], layers):
                    seen.add(name)
                    yield record

    def every_line(self) -> Iterator[bytes]:
        """Every entry of every layer as one line of JSON, as it is, some perhaps twice. Nothing is verified."""
        for store in self._layers():
            yield from store.every_line()

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted."""
        layers = self._layers()
        names = dict.fromkeys(name for store in layers for name in store.record_ids())
        hidden = self._hidden(names, layers)
        return [name for name in names if name not in hidden]

    def is_retracted(self, record_id: str) -> bool:
        """Whether any layer has a retraction of the record."""
        return bool(self._hidden([record_id], self._layers_with(record_id)))

    def __len__(self) -> int:
        """Number of records, each counted once."""
        return len(self.record_ids())
