"""The published snapshot: what it holds, and what is refused."""

import json
from pathlib import Path

import pytest
from tinydb import Query, TinyDB

from jitnas_fn.core.entry import Entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, RecordError, StoreError
from jitnas_fn.stores.snapshot import SnapshotStore, publish
from tests.samples import SALT, a_document, a_fingerprint, a_record

NOW = "2026-01-02T03:04:05Z"
RECORDS = [a_record(number, fixed_salt=SALT) for number in range(4)]
ENTRIES = [
    *map(record_entry, RECORDS),
    architecture_entry(a_fingerprint(), a_document()),
    retraction_entry(RECORDS[3].record_id, "wrong", created=NOW),
    Entry("of a later version", {"anything": 1}),
]


@pytest.fixture
def folder(tmp_path):
    publish(tmp_path / "cache", ENTRIES, created=NOW)
    return tmp_path / "cache"


def rewritten(folder, **changes):
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    (folder / "MANIFEST.json").write_text(json.dumps({**manifest, **changes}))


def test_what_was_published_is_found(folder):
    store = SnapshotStore(folder)
    assert [store.get(record.key) for record in RECORDS] == [*RECORDS[:3], None]
    assert store.document(a_fingerprint()) == a_document()
    assert len(store) == 3
    assert sorted(record.record_id for record in store.records()) == sorted(record.record_id for record in RECORDS[:3])
    assert len(store.since({})[0]) == len(ENTRIES)
    assert store.since(store.since({})[1])[0] == []


def test_the_order_of_entries_and_their_repetition_change_nothing(folder, tmp_path):
    publish(tmp_path / "again", [*reversed(ENTRIES), *ENTRIES], created=NOW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()
    }


def test_the_manifest_states_what_is_there(folder):
    manifest = SnapshotStore(folder).manifest
    assert manifest["counts"] == {"record": 4, "architecture": 1, "retraction": 1, "of a later version": 1}
    assert manifest["bytes"] == (folder / "entries.json").stat().st_size
    assert sorted(path.name for path in folder.iterdir()) == ["MANIFEST.json", "entries.json"]


def test_a_plain_tinydb_reads_it(folder):
    with TinyDB(folder / "entries.json", access_mode="r") as database:
        table = database.table("entries")
        assert len(table) == len(ENTRIES)
        assert table.get(Query().record.key == RECORDS[1].key)["record"] == RECORDS[1].to_dict()


def test_it_cannot_be_written_to(folder):
    store = SnapshotStore(folder)
    with pytest.raises(StoreError, match="read-only"):
        store.put(RECORDS[0])
    with pytest.raises(StoreError, match="read-only"):
        store.append(ENTRIES[-1])


@pytest.mark.parametrize(
    "changes",
    [{"schema": "another"}, {"schema_version": None}, {"schema_version": "1"}, {"sha256": "0" * 64}, {"sha256": None}],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, changes):
    rewritten(folder, **changes)
    with pytest.raises(StoreError):
        SnapshotStore(folder)


def test_a_newer_snapshot_is_refused(folder):
    rewritten(folder, schema_version=2)
    with pytest.raises(NewerVersion, match="format 2.*upgrade"):
        SnapshotStore(folder)


def test_a_damaged_snapshot_is_refused(folder):
    content = (folder / "entries.json").read_bytes()
    (folder / "entries.json").write_bytes(content.replace(b"0.5", b"0.9", 1))
    with pytest.raises(StoreError, match="damaged or was edited"):
        SnapshotStore(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema":"jitnas_fn snapshot"}', "[" * 10_000])
def test_a_manifest_that_is_none_is_refused(folder, text):
    (folder / "MANIFEST.json").write_text(text)
    with pytest.raises(StoreError):
        SnapshotStore(folder)


def test_a_missing_snapshot_is_named(tmp_path):
    with pytest.raises(StoreError, match="no snapshot to be read in .*nowhere"):
        SnapshotStore(tmp_path / "nowhere")


def test_what_does_not_verify_is_not_published(tmp_path):
    bad = record_entry(RECORDS[0])
    bad.body["record"] = {**bad.body["record"], "verdict": "diverged"}
    with pytest.raises(RecordError):
        publish(tmp_path / "cache", [bad], created=NOW)
    assert not (tmp_path / "cache").exists()


def test_the_snapshot_of_this_checkout_is_valid_and_holds_data_only():
    folder = Path(__file__).resolve().parents[2] / "cache"
    store = SnapshotStore(folder)
    assert len(list(store.records())) == len(store)
    assert all(store.document(record.parts["fingerprint"]) is not None for record in store.records())
    assert {path.name for path in folder.iterdir()} == {"README.md", "MANIFEST.json", "entries.json"}
