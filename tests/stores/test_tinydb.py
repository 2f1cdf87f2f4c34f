"""The user's cache on disk: kills, second processes, damage, full disks, and its face as a TinyDB."""

import errno
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tinydb import Query, TinyDB

from jitnas_fn.core.entry import Entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores._disk import next_line
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_record

APPENDING = Path(__file__).with_name("appending.py")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache.jsonl"


def fixed(number):
    return a_record(number, fixed_salt=SALT)


def filled(path, count=5):
    store = TinyStore(path)
    records = [fixed(number) for number in range(count)]
    for record in records:
        store.put(record)
    return records


def test_nothing_is_made_before_something_is_put(path):
    assert TinyStore(path).get(fixed(0).key) is None
    assert list(path.parent.iterdir()) == []


def test_the_folder_is_made_by_the_first_put(tmp_path):
    store = TinyStore(tmp_path / "a" / "b" / "cache.jsonl")
    store.put(fixed(0))
    assert TinyStore(store.path).get(fixed(0).key) == fixed(0)


def test_each_line_is_one_canonical_entry(path):
    records = filled(path)
    lines = path.read_text().splitlines(keepends=True)
    assert lines == [record_entry(record).to_json() + "\n" for record in records]


def test_what_was_put_is_there_when_it_is_opened_again(path):
    records = filled(path)
    store = TinyStore(path)
    assert [store.get(record.key) for record in records] == records
    assert len(store) == 5


def test_a_cursor_holds_when_the_store_is_opened_again(path):
    filled(path, 3)
    _, cursor = TinyStore(path).since({})
    TinyStore(path).put(fixed(9))
    entries, _ = TinyStore(path).since(cursor)
    assert [entry.body["record"]["key"] for entry in entries] == [fixed(9).key]


def test_another_process_is_read_on(path):
    mine, other = TinyStore(path), TinyStore(path)
    other.put(fixed(1))
    assert mine.get(fixed(1).key) == fixed(1)
    mine.put(fixed(2))
    other.put(fixed(2))
    assert len(mine) == len(other) == 2
    other.append(retraction_entry(fixed(1).record_id, "wrong", created="2026-01-01T00:00:00Z"))
    assert mine.get(fixed(1).key) is None


@pytest.mark.parametrize("kill_after_seconds", [0.0, 0.003, 0.011, 0.027, 0.05])
def test_what_was_acknowledged_survives_kill_9(path, kill_after_seconds):
    writer = subprocess.Popen([sys.executable, APPENDING, path, "0", "100000"], stdout=subprocess.PIPE, text=True)
    first = writer.stdout.readline()
    time.sleep(kill_after_seconds)
    writer.kill()
    acknowledged = [int(line) for line in [first, *writer.stdout] if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    store = TinyStore(path)
    assert acknowledged
    assert all(store.get(fixed(number).key) == fixed(number) for number in acknowledged)
    store.put(fixed(10**6))
    assert TinyStore(path).get(fixed(10**6).key) == fixed(10**6)
    assert len(TinyStore(path)) in (len(acknowledged) + 1, len(acknowledged) + 2)


def test_two_processes_that_write_at_once_lose_nothing(path):
    count = 150
    writers = [
        subprocess.Popen([sys.executable, APPENDING, path, str(first), str(count)], stdout=subprocess.DEVNULL)
        for first in (0, 100)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    store = TinyStore(path)
    assert len(store) == 250
    assert all(store.get(fixed(number).key) == fixed(number) for number in range(250))
    assert len(path.read_bytes().splitlines()) == 250


def test_a_torn_last_line_is_not_read_and_then_moved_aside(path):
    records = filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    store = TinyStore(path)
    assert len(store) == 4
    with pytest.warns(UserWarning, match=r"cache\.jsonl\.corrupt"):
        store.put(records[4])
    assert path.read_bytes() == whole
    assert path.with_name("cache.jsonl.corrupt").read_bytes().rstrip(b"\n") == whole.splitlines()[4][:-99]


def test_a_whole_last_line_that_lacks_only_its_newline_is_kept(path):
    records = filled(path)
    path.write_bytes(path.read_bytes()[:-1])
    store = TinyStore(path)
    store.put(fixed(9))
    assert [store.get(record.key) for record in records] == records
    assert not path.with_name("cache.jsonl.corrupt").exists()


@pytest.mark.parametrize(
    "bad", [b"no JSON", b"{", b"[]", b"\xff\xfe", b"", b'{"entry_version":1}', b"x" * 9_000_000, b"[" * 100_000]
)
def test_a_bad_line_is_copied_aside_once_and_the_rest_is_read(path, bad):
    records = filled(path)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], bad, *lines[2:]]) + b"\n")
    with pytest.warns(UserWarning, match=r"a damaged entry left out \(copied to .*cache\.jsonl\.corrupt\)"):
        store = TinyStore(path)
    assert [store.get(record.key) for record in records] == records
    assert len(store) == 5
    aside = path.with_name("cache.jsonl.corrupt").read_bytes()
    assert aside.startswith(bad[:1000])
    store = TinyStore(path)  # no second warning
    store.put(fixed(9))
    assert len(TinyStore(path)) == 6
    assert path.with_name("cache.jsonl.corrupt").read_bytes() == aside


def test_a_changed_record_is_never_handed_out(path):
    records = filled(path)
    path.write_bytes(path.read_bytes().replace(b'"train_seconds":1.25', b'"train_seconds":1.35', 1))
    store = TinyStore(path)
    with pytest.warns(UserWarning, match="damaged"):
        assert store.get(records[0].key) is None
    assert list(store.records()) == records[1:]
    assert len(store.since({})[0]) == 4
    store.put(records[0])
    assert store.get(records[0].key) == records[0]


@pytest.mark.parametrize(
    ("old", "new"), [(b'"entry_version":1', b'"entry_version":2'), (b'"record_version":1', b'"record_version":2')]
)
def test_a_file_of_a_newer_version_is_refused(path, old, new):
    filled(path)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(NewerVersion, match="upgrade"):
        TinyStore(path)


def test_what_a_newer_version_appends_is_refused_each_time(path):
    filled(path)
    store = TinyStore(path)
    with path.open("ab") as file:
        file.write(b'{"entry_version":2,"kind":"retraction"}\n')
    for _ in range(2):
        with pytest.raises(NewerVersion):
            store.get(fixed(0).key)
        with pytest.raises(NewerVersion):
            store.put(fixed(9))


def test_a_file_that_was_removed_or_replaced_is_read_anew(path):
    filled(path, 3)
    store = TinyStore(path)
    path.unlink()
    assert len(store) == 0
    store.put(fixed(7))
    assert len(store) == 1
    other = path.with_name("other.jsonl")
    filled(other, 2)
    other.replace(path)
    assert store.get(fixed(7).key) is None
    assert store.get(fixed(1).key) == fixed(1)


def failing(monkeypatch, function, number, at_byte=None):
    """Let `os.function` fail as a disk does; a write takes some bytes first."""
    real = getattr(os, function)
    monkeypatch.setattr(os, function, fails := _Failing(real, number, at_byte))
    return fails


class _Failing:
    def __init__(self, real, number, at_byte):
        self.real, self.number, self.at_byte = real, number, at_byte

    def __call__(self, descriptor, *content):
        if self.at_byte:
            written = self.real(descriptor, content[0][: self.at_byte])
            self.at_byte = None
            return written
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize(("function", "at_byte"), [("write", None), ("write", 700), ("fsync", None)])
def test_a_full_or_broken_disk_is_a_clear_error_and_harms_nothing(path, monkeypatch, number, function, at_byte):
    records = filled(path)
    before = path.read_bytes()
    store = TinyStore(path)
    with monkeypatch.context() as patch:
        failing(patch, function, number, at_byte)
        with pytest.raises(StoreError, match="JITNAS_HOME"):
            store.put(fixed(9))
    whole = record_entry(fixed(9)).to_json().encode() + b"\n"  # written, perhaps not on the disk
    assert path.read_bytes() == before + (whole if function == "fsync" else b"")
    assert [store.get(record.key) for record in records] == records
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(1) or fsync(descriptor))
    store.put(fixed(9))
    assert synced
    assert TinyStore(path).get(fixed(9).key) == fixed(9)
    assert path.read_bytes() == before + whole


@pytest.mark.filterwarnings("ignore:.*damaged entry:UserWarning")
def test_what_cannot_even_be_cut_off_is_made_harmless(path, monkeypatch):
    filled(path)
    store = TinyStore(path)
    with monkeypatch.context() as patch:
        failing(patch, "write", errno.ENOSPC, 700)
        patch.setattr(os, "ftruncate", _Failing(os.ftruncate, errno.EIO, None))
        with pytest.raises(StoreError):
            store.put(fixed(9))
    assert len(TinyStore(path)) == 5
    store.put(fixed(8))
    assert len(TinyStore(path)) == 6


def test_ctrl_c_while_writing_leaves_nothing_half_written(path, monkeypatch):
    filled(path)
    before = path.read_bytes()

    def interrupted(descriptor):
        raise KeyboardInterrupt

    store = TinyStore(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.put(fixed(9))
    assert path.read_bytes() == before + record_entry(fixed(9)).to_json().encode() + b"\n"
    store.put(fixed(9))
    assert len(TinyStore(path)) == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_device_that_is_really_full(tmp_path):
    link = tmp_path / "cache.jsonl"
    link.symlink_to("/dev/full")
    with pytest.raises(StoreError, match="cannot be written"):
        TinyStore(link).put(fixed(0))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_can_still_be_read(path):
    records = filled(path)
    path.with_name("cache.jsonl.lock").unlink(missing_ok=True)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        store = TinyStore(path)
        assert store.get(records[0].key) == records[0]
        with pytest.raises(StoreError, match="JITNAS_HOME"):
            store.put(fixed(9))
    finally:
        path.parent.chmod(0o700)


def test_where_no_file_can_be_a_store_error_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be"):
        TinyStore(tmp_path / "file" / "cache.jsonl").put(fixed(0))
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        TinyStore(tmp_path / "folder")
    with pytest.raises(StoreError, match="cannot be"):
        TinyStore("\0").put(fixed(0))


def test_a_writer_that_never_ends_is_named(path):
    from filelock import FileLock

    store = TinyStore(path, lock_timeout_seconds=0.1)
    with FileLock(f"{path}.lock"), pytest.raises(StoreError, match="another process has been writing"):
        store.put(fixed(0))
    store.put(fixed(0))
    assert len(store) == 1


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


def test_a_line_that_is_finished_while_it_is_read_is_read_later_and_whole():
    """The reader meets the end in the middle of a line; by the time it asks for more, the writer has written the rest."""
    line = record_entry(fixed(0)).to_json().encode() + b"\n"

    class Growing(io.BytesIO):
        def readline(self, size=-1):
            found = super().readline(size)
            if not found.endswith(b"\n"):
                here = self.tell()
                self.seek(0, io.SEEK_END)
                self.write(line[100:])
                self.seek(here)
            return found

    file = Growing(line[:100])
    assert next_line(file) is None
    file.seek(0)
    assert next_line(file) == (line, len(line))
