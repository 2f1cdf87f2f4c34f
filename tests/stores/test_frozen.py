"""Stores that version 1 wrote are read for ever, and those of a later version are refused, not half-read."""

import json
import shutil
import warnings
from pathlib import Path

import pytest

from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import SnapshotStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.golden.stores import entries, fixed
from tests.samples import a_document, a_fingerprint

FROZEN = Path(__file__).parents[1] / "golden" / "stores_1"
KINDS = {"cache": ("cache.jsonl", TinyStore), "snapshot": ("snapshot", SnapshotStore), "shared": ("shared", SegmentStore)}


@pytest.fixture(params=KINDS)
def opened(request, tmp_path):
    """A copy of a frozen store: what opens it, and where it is."""
    name, opens = KINDS[request.param]
    copy = shutil.copytree if (FROZEN / name).is_dir() else shutil.copy
    copy(FROZEN / name, tmp_path / name)
    return opens, tmp_path / name


def test_a_frozen_store_gives_every_entry(opened):
    opens, path = opened
    store = opens(path)
    assert sorted(entry.to_json() for entry in store.since({})[0]) == sorted(entry.to_json() for entry in entries())
    assert store.get(fixed(0).key) == fixed(0, token=3)
    assert store.replicates(fixed(0).key) == [fixed(0, token=3), fixed(0)]
    assert store.get(fixed(2).key) is None
    assert store.get(fixed(5).key) == fixed(5).redacted()
    assert [store.document(a_fingerprint(number)) for number in range(5)] == [*map(a_document, range(4)), None]
    assert len(store) == 5


def test_what_is_written_now_joins_what_is_frozen(opened):
    opens, path = opened
    if opens is SnapshotStore:
        pytest.skip("a snapshot is replaced, not written to")
    opens(path).put(fixed(50))
    store = opens(path)
    assert store.get(fixed(50).key) == fixed(50)
    assert len(store) == 6


def test_a_frozen_shared_store_is_merged(tmp_path):
    shutil.copytree(FROZEN / "shared", tmp_path / "shared")
    store = SegmentStore(tmp_path / "shared")
    _, cursor = store.since({})
    assert store.compact(idle_seconds=0, keep_seconds=-1).segments == 2
    assert len(store) == 5
    assert store.since(cursor)[0] == []


def changed(path, change):
    path.write_text(change(path.read_text()))


NEWER = {
    "an entry of a cache": ("cache", "cache.jsonl", lambda text: text.replace('"entry_version":1', '"entry_version":2', 1)),
    "a record of a cache": ("cache", "cache.jsonl", lambda text: text.replace('"record_version":1', '"record_version":2', 1)),
    "a snapshot": ("snapshot", "MANIFEST.json", lambda text: text.replace('"schema_version":1', '"schema_version":2')),
    "a shared store": ("shared", "store.json", lambda text: text.replace('"schema_version":1', '"schema_version":2')),
    "a catalogue": ("shared", "catalogue/*.json", lambda text: text.replace('"schema_version":1', '"schema_version":2')),
    "an entry of a segment": (
        "shared",
        "segments/*.jsonl",
        lambda text: text.replace('"entry_version":1', '"entry_version":2', 1),
    ),
}


@pytest.mark.parametrize("what", NEWER)
def test_what_a_later_version_wrote_is_refused_with_what_to_do(what, tmp_path):
    kind, names, change = NEWER[what]
    name, opens = KINDS[kind]
    if (FROZEN / name).is_dir():
        shutil.copytree(FROZEN / name, tmp_path / name)
        found = list((tmp_path / name).glob(names))
    else:
        found = [Path(shutil.copy(FROZEN / name, tmp_path / name))]
    for path in found:
        changed(path, change)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NewerVersion, match="please upgrade"):
            opens(tmp_path / name)


def test_the_frozen_files_are_those_of_version_1():
    """A change of what is frozen is a change of the format: raise its version instead."""
    assert json.loads((FROZEN / "shared" / "store.json").read_text()) == {
        "schema": "jitnas_fn shared store",
        "schema_version": 1,
    }
    lines = (FROZEN / "cache.jsonl").read_text().splitlines()
    assert lines == [entry.to_json() for entry in entries()]
