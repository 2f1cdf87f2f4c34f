"""What somebody who may write to a shared folder can put there: readers neither wait for it nor read without end."""

import os
import shutil

import pytest

from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.careful import NoPlainFile
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import fixed

HUGE = 10**12 - 1
pytestmark = [pytest.mark.timeout(20), pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")]


def merged(folder):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
    store.close()
    assert store.compact(idle_seconds=0).generation == 1


@pytest.fixture
def folder(tmp_path):
    merged(tmp_path / "shared")
    return tmp_path / "shared"


PLANTED = {
    "a pipe": os.mkfifo,
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to another catalogue": lambda path: path.symlink_to("1.json"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("number", [999, HUGE])
def test_what_is_no_file_is_no_catalogue(folder, plant, number):
    before = SegmentStore(folder)
    plant(folder / "catalogue" / f"{number}.json")
    for store in (before, SegmentStore(folder)):
        assert len(store) == 3
        assert store.get(fixed(1).key) == fixed(1)
    before.put(fixed(3))
    before.close()
    assert before.compact(idle_seconds=0, keep_seconds=-1).generation == 2
    assert len(SegmentStore(folder)) == len(before) == 4


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_what_is_in_the_place_of_the_next_catalogue_is_said_and_nothing_is_lost(folder, plant):
    path = folder / "catalogue" / "2.json"
    plant(path)
    store = SegmentStore(folder)
    store.put(fixed(3))
    store.close()
    with pytest.raises(StoreError, match="2.json is a .*, where the next catalogue would be: remove it"):
        store.compact(idle_seconds=0)
    assert len(SegmentStore(folder)) == 4
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    assert store.compact(idle_seconds=0).generation == 2
    assert len(SegmentStore(folder)) == 4


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xfe\x00", b"{}", b"[" * 100_000])
@pytest.mark.parametrize("number", [999, HUGE])
def test_a_catalogue_that_is_none_is_named(folder, content, number):
    before = SegmentStore(folder)
    path = folder / "catalogue" / f"{number}.json"
    path.write_bytes(content)
    for ask in (lambda: len(before), lambda: SegmentStore(folder), lambda: before.compact()):
        with pytest.raises(StoreError, match=str(path)):
            ask()
    path.unlink()
    assert len(SegmentStore(folder)) == len(before) == 3


def test_a_copy_of_a_catalogue_under_a_greater_number_is_named(folder):
    """It would be taken for the newest for ever, and nothing would be merged any more."""
    path = folder / "catalogue" / f"{HUGE}.json"
    shutil.copy(folder / "catalogue" / "1.json", path)
    for ask in (lambda: SegmentStore(folder), lambda: SegmentStore(folder).compact()):
        with pytest.raises(StoreError, match=f"{path} calls itself generation 1"):
            ask()


def test_the_last_number_there_is_is_said_to_be_in_the_way(folder):
    first, path = folder / "catalogue" / "1.json", folder / "catalogue" / f"{HUGE}.json"
    path.write_text(first.read_text().replace('"generation":1,', f'"generation":{HUGE},'))
    assert len(SegmentStore(folder)) == 3
    with pytest.raises(StoreError, match=f"{path} leaves no number for another catalogue: .* remove it"):
        SegmentStore(folder).compact()
    path.unlink()
    assert SegmentStore(folder).compact().generation == 2


def test_a_catalogue_of_a_later_version_is_refused_as_such(folder):
    first = folder / "catalogue" / "1.json"
    (folder / "catalogue" / "2.json").write_text(first.read_text().replace('"schema_version":1}', '"schema_version":2}'))
    with pytest.raises(NewerVersion, match="upgrade"):
        SegmentStore(folder)


def test_a_catalogue_without_end_is_not_read_to_its_end(folder, monkeypatch):
    monkeypatch.setattr("jitnas_fn.stores._generations.MAX_CATALOGUE_BYTES", 10_000)
    path = folder / "catalogue" / "2.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room, and more than there is memory
    with pytest.raises(StoreError, match="2.json"):
        SegmentStore(folder)


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_what_is_no_file_is_no_store(folder, plant):
    (folder / "store.json").unlink()
    plant(folder / "store.json")
    with pytest.raises(NoPlainFile, match=r"store.json is a .*, not a file"):
        SegmentStore(folder)


def test_a_store_file_without_end_is_not_read_to_its_end(folder):
    with (folder / "store.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(StoreError, match="store.json"):
        SegmentStore(folder)
