"""A store that comes and goes."""

import pytest

from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.reachable import ReachableStore
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import fixed


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def away(tmp_path, clock):
    """A user's cache over shared storage whose folder is no longer one."""
    folder = tmp_path / "shared"
    SegmentStore(folder).put(fixed(1))
    store = LayeredStore([MemoryStore(), ReachableStore(lambda: SegmentStore(folder), clock=clock)])
    assert store.get(fixed(1).key) == fixed(1)
    folder.rename(tmp_path / "gone")
    folder.write_text("the server is down")
    return store, folder


def test_what_is_away_is_as_good_as_empty_and_told_once(away):
    store, _ = away
    with pytest.warns(RuntimeWarning, match="going on without this store for 60 s"):
        assert store.get(fixed(1).key) is None
    store.put(fixed(2))
    assert store.get(fixed(2).key) == fixed(2)
    assert list(store.records()) == [fixed(2)]
    assert (len(store), store.document("0" * 64), store.is_retracted("0" * 64)) == (1, None, False)


def test_what_comes_back_is_asked_again_after_a_minute(away, clock):
    store, folder = away
    with pytest.warns(RuntimeWarning, match="going on without"):
        store.get(fixed(1).key)
    folder.unlink()
    (folder.parent / "gone").rename(folder)
    assert store.get(fixed(1).key) is None
    clock.now = 61.0
    assert store.get(fixed(1).key) == fixed(1)


def test_what_is_written_to_it_fails_as_it_does_there(away):
    store, _ = away
    with pytest.raises(StoreError, match="ask whoever looks after it"):
        store.stores[1].put(fixed(3))


def test_records_that_break_off_are_as_many_as_there_were(away):
    store, _ = away
    with pytest.warns(RuntimeWarning, match="going on without"):
        assert list(store.records()) == []


def test_a_newer_version_of_it_does_not_withhold_what_the_user_has(tmp_path):
    (tmp_path / "store.json").write_text('{"schema":"jitnas_fn shared store","schema_version":7}')
    shared = ReachableStore(lambda: SegmentStore(tmp_path))
    store = LayeredStore([MemoryStore(), shared])
    store.put(fixed(1))
    with pytest.warns(RuntimeWarning, match="please upgrade"):
        assert store.get(fixed(1).key) == fixed(1)
    assert list(store.records()) == [fixed(1)]
    with pytest.raises(NewerVersion):
        shared.put(fixed(2))
