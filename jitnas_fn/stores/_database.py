"""The face that TinyDB shows of a store of entries: searched as any TinyDB, inserted into without a rebuild, never changed."""

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from typing import Any, NoReturn, Protocol

from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Document, Table

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import StoreError

TABLE = "entries"
Fields = Mapping[str, Any]


class Entries(Protocol):
    """The store behind the database."""

    def append(self, entry: Entry) -> None:
        """Keep an entry."""

    def entry(self, number: int) -> Entry | None:
        """The entry on line `number`, from 0; None if it is damaged."""

    def lines(self) -> list[int]:
        """Numbers of all lines."""

    def count(self) -> int:
        """How many lines there are."""


class Documents(Mapping[str, Fields]):
    """The entries as TinyDB sees a table: document id → document. Each is read anew when asked for, so nobody shares it."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def __getitem__(self, doc_id: str) -> Fields:
        entry = self._entries.entry(int(doc_id) - 1)
        if entry is None:
            raise KeyError(doc_id)
        return entry.to_dict()

    def __iter__(self) -> Iterator[str]:
        return (str(number + 1) for number in self._entries.lines())

    def __len__(self) -> int:
        return len(self._entries.lines())

    def items(self) -> ItemsView[str, Fields]:
        """Ids and documents, without those that turn out to be damaged."""
        return _Readable(self)


class _Readable(ItemsView[str, Fields]):
    def __init__(self, documents: Documents) -> None:
        super().__init__(documents)
        self._documents = documents

    def __iter__(self) -> Iterator[tuple[str, Fields]]:
        for doc_id in self._documents:
            document = self._documents.get(doc_id)
            if document is not None:
                yield doc_id, document


class EntryStorage(Storage):
    """Reads line by line and writes nothing: the store appends."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries

    def read(self) -> dict[str, Any]:
        """All tables, which is one."""
        return {TABLE: Documents(self.entries)}

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        """Refuse: what is written stays."""
        _refuse()


class EntryTable(Table):
    """A table whose inserts append a line each, whatever it holds. Results are not cached: others may write too."""

    def search(self, cond: QueryLike) -> list[Document]:
        """All documents that match."""
        self.clear_cache()
        return super().search(cond)

    def insert(self, document: Fields) -> int:
        """Append an entry and return its document id, or that of the newest if the entry was there already."""
        if self.name != TABLE or not isinstance(self.storage, EntryStorage):
            raise StoreError(f"a store has one table, {TABLE!r}; there is no {self.name!r}")
        self.storage.entries.append(Entry.from_dict(dict(document)))
        return self.storage.entries.count()

    def insert_multiple(self, documents: Iterable[Fields]) -> list[int]:
        """Append entries, one after another."""
        return [self.insert(document) for document in documents]

    def _update_table(self, updater: Callable[[dict[int, Fields]], None]) -> NoReturn:
        _refuse()


class EntryDatabase(TinyDB):
    """A `tinydb.TinyDB` with one table, `entries`. The id of a document is the number of its line, from 1."""

    table_class = EntryTable
    default_table_name = TABLE

    def __init__(self, entries: Entries) -> None:
        super().__init__(storage=lambda: EntryStorage(entries))


def _refuse() -> NoReturn:
    raise StoreError("a store is only appended to: to withdraw a record, append a retraction_entry to the TinyStore")
