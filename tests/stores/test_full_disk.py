"""A disk that is really full: clear errors, nothing that was kept is harmed, and all goes on when there is room again."""

import shutil
import subprocess
import sys

import pytest

from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed


@pytest.fixture
def disk(tmp_path):
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


STORES = {
    "tinydb": lambda folder: TinyStore(folder / "cache.jsonl"),
    "segments": lambda folder: SegmentStore(folder / "shared"),
}


@pytest.fixture(params=STORES)
def opens(request, disk):
    return lambda: STORES[request.param](disk)


def fill(store):
    """Put records until there is no room; how many were kept."""
    kept = []
    with pytest.raises(StoreError, match="No space left on device.*free some space.*unharmed"):
        kept.extend(number for number in range(10_000) if store.put(fixed(number)) is None)
    return len(kept)


def test_what_was_kept_before_the_disk_was_full_is_there(opens):
    store = opens()
    kept = fill(store)
    assert kept > 100
    expected = sorted(fixed(number).record_id for number in range(kept))
    assert sorted(store.record_ids()) == expected
    assert sorted(opens().record_ids()) == expected


def test_when_there_is_room_again_it_goes_on(opens, disk):
    (disk / "ballast").write_bytes(b"x" * 200_000)
    store = opens()
    kept = fill(store)
    (disk / "ballast").unlink()
    store.put(fixed(kept))
    assert store.get(fixed(kept).key) == fixed(kept)
    assert len(opens()) == kept + 1


def test_of_many_at_once_that_do_not_fit_whole_ones_are_left(opens):
    store = opens()
    store.put(fixed(0))
    with pytest.raises(StoreError, match="No space left"):
        store.extend(record_entry(fixed(number)) for number in range(1, 1000))
    left = len(opens())
    assert sorted(opens().record_ids()) == sorted(fixed(number).record_id for number in range(left))
    assert sorted(store.record_ids()) == sorted(opens().record_ids())
    with pytest.raises(StoreError, match="No space left"):
        store.extend(record_entry(fixed(number)) for number in range(1, 1000))
    assert sorted(store.record_ids()) == sorted(opens().record_ids())


def test_merging_on_a_full_disk_fails_and_harms_nothing(disk):
    store = SegmentStore(disk / "shared")
    for number in range(200):
        store.put(fixed(number))
    store.close()
    expected = sorted(fixed(number).record_id for number in range(200))
    for free in (4_096, 100_000, 250_000):
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (shutil.disk_usage(disk).free - free))
        with pytest.raises(StoreError, match="No space left"):
            store.compact(idle_seconds=0)
        assert sorted(store.record_ids()) == sorted(SegmentStore(disk / "shared").record_ids()) == expected
        ballast.unlink()
        assert len(list((disk / "shared" / "merged").iterdir())) == 0
    store.compact(idle_seconds=0, keep_seconds=-1)
    assert sorted(SegmentStore(disk / "shared").record_ids()) == expected
