"""Several stores as one."""

import pytest

from jitnas_fn.core.entry import architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.snapshot import SnapshotStore, publish
from tests.samples import a_document, a_fingerprint, a_record

NOW = "2026-01-02T03:04:05Z"


@pytest.fixture
def layers(tmp_path):
    """A user's cache over a snapshot that has record 0 and its document."""
    published = a_record(0)
    entries = [record_entry(published), architecture_entry(a_fingerprint(0), a_document(0))]
    publish(tmp_path, entries, created=NOW)
    cache = MemoryStore()
    return LayeredStore([cache, SnapshotStore(tmp_path)]), cache, published


def test_a_lower_layer_answers_what_the_upper_lacks(layers):
    store, cache, published = layers
    assert store.get(published.key) == published
    assert store.document(a_fingerprint(0)) == a_document(0)
    assert len(cache) == 0
    assert len(store) == 1


def test_the_most_trusted_record_of_any_layer_answers(layers):
    store, cache, published = layers
    own = a_record(0, trust="imported")
    cache.put(own)
    assert store.get(published.key) == published
    assert store.replicates(published.key) == [published, own]
    assert list(store.records()) == [own, published]


def test_what_is_put_goes_to_the_first_layer(layers):
    store, cache, _ = layers
    store.put(a_record(5))
    store.append(architecture_entry(a_fingerprint(5), a_document(5)))
    assert len(cache) == 1
    assert cache.document(a_fingerprint(5)) == a_document(5)
    assert len(store) == 2


def test_a_retraction_in_one_layer_hides_the_record_in_all(layers):
    store, cache, published = layers
    cache.append(retraction_entry(published.record_id, "wrong", created=NOW))
    assert store.get(published.key) is None
    assert store.replicates(published.key) == []
    assert list(store.records()) == []
    assert len(store) == 0


def test_a_retracted_replicate_lets_the_next_layer_answer(layers):
    store, cache, published = layers
    own = a_record(0, token=4)
    cache.put(own)
    lower = MemoryStore()
    lower.append(retraction_entry(own.record_id, "wrong", created=NOW))
    assert LayeredStore([*store.stores, lower]).get(published.key) == published


def test_a_record_in_two_layers_counts_once(layers):
    store, cache, published = layers
    cache.put(published)
    assert store.replicates(published.key) == [published]
    assert list(store.records()) == [published]
    assert len(store) == 1


def test_the_full_copy_of_a_record_stands_among_replicates(layers):
    store, cache, published = layers
    cache.put(published.redacted())
    assert store.replicates(published.key) == [published]


def test_since_follows_every_layer(layers):
    store, cache, _ = layers
    entries, cursor = store.since({})
    assert len(entries) == 2
    assert store.since(cursor) == ([], cursor)
    cache.put(a_record(5))
    assert [entry.kind for entry in store.since(cursor)[0]] == ["record"]


def test_layers_of_layers(layers):
    store, cache, published = layers
    outer = LayeredStore([MemoryStore(), store])
    cache.put(a_record(5))
    assert outer.get(published.key) == published
    assert len(outer) == 2
    entries, cursor = outer.since({})
    assert len(entries) == 3
    assert outer.since(cursor)[0] == []


def test_a_first_layer_that_is_read_only_refuses_to_write(layers):
    store, _, _ = layers
    with pytest.raises(StoreError, match="read-only"):
        LayeredStore(store.stores[1:]).put(a_record(3))


def test_no_layer_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        LayeredStore([])
