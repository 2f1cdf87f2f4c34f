"""What is synchronised: a shared store, and the cache of a client that has nothing yet."""

import pytest

from jitnas_fn import Client
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed, put_documented


@pytest.fixture
def shared(tmp_path):
    """A shared store with twenty records of two writers, one merged, and its manifest."""
    store = SegmentStore(tmp_path / "shared")
    put_documented(store, range(10))
    store.close()
    for number in range(10, 20):
        store.put(fixed(number))
    store.compact()
    return store


@pytest.fixture
def cache(tmp_path):
    return TinyStore(tmp_path / "home" / "cache.jsonl")


@pytest.fixture
def client(cache):
    return Client(store=LayeredStore([cache, MemoryStore()]))
