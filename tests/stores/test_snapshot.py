"""The published snapshot: what it holds, and what is refused."""

import hashlib
import json
import os
import re
import time
import tracemalloc
from pathlib import Path

import pytest
from tinydb import Query, TinyDB

from jitnas_fn.core.entry import Entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, RecordError, StoreError
from jitnas_fn.stores import snapshot
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


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Path for an index, which is made for as few as two entries."""
    monkeypatch.setattr(snapshot, "FEW", 1)
    return tmp_path / "home" / "snapshot.index"


def refuse_to_hash(file, name):
    raise AssertionError("the whole file was read")


def test_with_an_index_the_file_is_read_once(folder, index, monkeypatch):
    index.parent.mkdir()
    first = SnapshotStore(folder, index=index)
    assert index.is_file()
    monkeypatch.setattr("hashlib.file_digest", refuse_to_hash)
    second = SnapshotStore(folder, index=index)
    for store in (first, second):
        assert [store.get(record.key) for record in RECORDS] == [*RECORDS[:3], None]
        assert store.document(a_fingerprint()) == a_document()
        assert len(store) == 3
        assert len(store.since({})[0]) == len(ENTRIES)
        assert len(list(store.every_line())) == len(ENTRIES)
    assert {path.name for path in folder.iterdir()} == {"MANIFEST.json", "entries.json"}


def test_the_index_of_another_snapshot_is_not_used(folder, index):
    index.parent.mkdir()
    SnapshotStore(folder, index=index)
    publish(folder, map(record_entry, RECORDS[2:]), created=NOW)
    store = SnapshotStore(folder, index=index)
    assert [store.get(record.key) for record in RECORDS] == [None, None, *RECORDS[2:]]
    assert len(SnapshotStore(folder, index=index)) == 2


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\x00" * 1000, None])
def test_a_damaged_index_is_made_anew(folder, index, content):
    index.parent.mkdir()
    SnapshotStore(folder, index=index)
    index.write_bytes(index.read_bytes()[:-10] if content is None else content)
    assert SnapshotStore(folder, index=index).get(RECORDS[0].key) == RECORDS[0]
    assert len(SnapshotStore(folder, index=index)) == 3


def test_where_no_index_can_be_written_none_is_needed(folder, index):
    assert SnapshotStore(folder, index=index).get(RECORDS[0].key) == RECORDS[0]  # there is no such folder
    assert not index.exists()


def test_what_was_edited_behind_the_index_is_not_handed_out(folder, index):
    index.parent.mkdir()
    SnapshotStore(folder, index=index)
    path = folder / "entries.json"
    status, content = path.stat(), path.read_bytes()
    with path.open("r+b") as file:
        file.write(content.replace(b"0.5", b"0.9"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert SnapshotStore(folder, index=index).get(RECORDS[0].key) is None


def test_a_snapshot_that_was_replaced_is_opened_anew(folder):
    store = SnapshotStore(folder)
    cursor = store.since({})[1]
    publish(folder, map(record_entry, RECORDS[1:2]), created=NOW)
    assert [store.get(record.key) for record in RECORDS[:2]] == [None, RECORDS[1]]
    assert len(store) == 1
    assert len(store.since(cursor)[0]) == 1


def test_a_snapshot_that_was_damaged_or_went_away_while_it_was_open_is_told_of(folder, monkeypatch):
    monkeypatch.setattr(snapshot, "PATIENCE_SECONDS", 0.1)
    store = SnapshotStore(folder)
    (folder / "entries.json").write_bytes(b"x" * 100)
    with pytest.raises(StoreError, match="damaged or was edited"):
        store.get(RECORDS[0].key)
    (folder / "entries.json").unlink()
    with pytest.raises(StoreError, match="no snapshot to be read"):
        store.get(RECORDS[0].key)


def test_a_row_that_is_no_entry_is_left_out_though_the_hash_is_right(folder):
    path = folder / "entries.json"
    content = path.read_bytes().replace(b'"verdict":"trained"', b'"verdict":"strange"', 1).replace(b'"1":{', b'"1":[')
    path.write_bytes(content)
    rewritten(folder, sha256=hashlib.sha256(content).hexdigest())
    store = SnapshotStore(folder)
    assert len(list(store.records())) == 2


@pytest.mark.parametrize("content", [b"", b'{"entries":{\n', b'{"entries":{\n}}\n}}\n', b'{"entries":{\n"1":{}', b"[]\n"])
def test_a_file_of_another_form_is_refused_though_the_hash_is_right(folder, content):
    (folder / "entries.json").write_bytes(content)
    rewritten(folder, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(StoreError, match="one entry on each line"):
        SnapshotStore(folder)


def test_of_a_record_and_its_redacted_copy_the_record_is_published(tmp_path):
    entries = [record_entry(RECORDS[0].redacted()), record_entry(RECORDS[0])]
    for folder, order in (("a", entries), ("b", entries[::-1])):
        publish(tmp_path / folder, order, created=NOW)
        assert SnapshotStore(tmp_path / folder).replicates(RECORDS[0].key) == [RECORDS[0]]
    assert (tmp_path / "a" / "entries.json").read_bytes() == (tmp_path / "b" / "entries.json").read_bytes()


def test_a_card_that_is_there_is_stated_and_left_as_it_is(folder):
    (folder / "README.md").write_text("a card")
    manifest = publish(folder, ENTRIES, created=NOW)
    assert manifest == json.loads((folder / "MANIFEST.json").read_text())
    assert manifest["files"]["README.md"] == {"bytes": 6, "sha256": hashlib.sha256(b"a card").hexdigest()}


@pytest.mark.slow
def test_twenty_thousand_entries_are_opened_at_once_and_in_little_memory(tmp_path):
    """What counts is that neither grows with the file: an opening with an index takes some milliseconds at 170 MB too."""
    line = record_entry(a_record()).to_json().encode("ascii")
    rows = []
    for number in range(1, 20_001):
        key = hashlib.sha256(b"%d" % number).hexdigest().encode()
        renamed = line.replace(a_record().key.encode(), key)
        rows.append(b'"%d":%s' % (number, re.sub(rb'"record_id":"\w+"', b'"record_id":"%s"' % key, renamed)))
    content = b'{"entries":{\n' + b",\n".join(rows) + b"\n}}\n"
    manifest = {"schema": snapshot.SCHEMA, "schema_version": 1, "sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "entries.json").write_bytes(content)
    (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest))
    assert len(SnapshotStore(tmp_path, index=tmp_path / "index")) == 20_000
    tracemalloc.start()
    began = time.monotonic()
    store = SnapshotStore(tmp_path, index=tmp_path / "index")
    seconds, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(store) == 20_000
    assert seconds < 0.5
    assert peak < 4_000_000 < len(content)
