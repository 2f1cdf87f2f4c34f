"""The cache's face as a TinyDB: searched and inserted into, and otherwise not changed."""

import pytest
from tinydb import Query, TinyDB

from jitnas_fn.core.entry import Entry, record_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed
from tests.stores.cache.filling import filled


def test_the_store_is_a_tinydb_that_can_be_searched(path):
    filled(path, 4)
    store = TinyStore(path)
    store.append(Entry("note", {"text": "hello"}))
    query = Query()
    assert isinstance(store.db, TinyDB)
    assert len(store.db) == 5
    assert store.db.tables() == {"entries"}
    assert store.db.search(query.kind == "note")[0]["text"] == "hello"
    found = store.db.get(query.record.key == fixed(2).key)
    assert found.doc_id == 3
    assert store.db.get(doc_id=3)["record"]["record_id"] == fixed(2).record_id
    assert store.db.get(doc_id=99) is None
    assert store.db.count(query.record.verdict == "trained") == 4
    assert [document.doc_id for document in store.db] == [1, 2, 3, 4, 5]


def test_a_search_sees_what_others_wrote_since_the_same_search(path):
    store, other = TinyStore(path), TinyStore(path)
    query = Query().kind == "record"
    assert store.db.count(query) == 0
    other.put(fixed(0))
    assert store.db.count(query) == 1


def test_what_a_search_returned_may_be_changed_freely(path):
    filled(path, 1)
    store = TinyStore(path)
    store.db.all()[0]["record"]["metrics"].clear()
    assert store.get(fixed(0).key) == fixed(0)


def test_a_document_inserted_through_tinydb_is_an_entry_like_any_other(path):
    store = TinyStore(path)
    assert store.db.insert(record_entry(fixed(0)).to_dict()) == 1
    assert store.db.insert_multiple(record_entry(fixed(number)).to_dict() for number in (1, 2)) == [2, 3]
    assert store.get(fixed(1).key) == fixed(1)
    assert len(TinyStore(path)) == 3


def test_what_was_kept_is_not_changed_through_tinydb(path):
    filled(path, 2)
    before = path.read_bytes()
    database = TinyStore(path).db
    for change in (
        lambda: database.update({"kind": "other"}),
        lambda: database.remove(doc_ids=[1]),
        database.truncate,
        database.drop_tables,
        lambda: database.drop_table("entries"),
        lambda: database.table("other").insert({"kind": "note", "entry_version": 1}),
    ):
        with pytest.raises(StoreError):
            change()
    assert path.read_bytes() == before


def test_a_search_leaves_damaged_documents_out(path):
    filled(path, 3)
    path.write_bytes(path.read_bytes().replace(b'"train_seconds":1.25', b'"train_seconds":1.35', 1))
    store = TinyStore(path)
    with pytest.warns(UserWarning, match="damaged"):
        assert len(store.db.search(Query().kind == "record")) == 2
