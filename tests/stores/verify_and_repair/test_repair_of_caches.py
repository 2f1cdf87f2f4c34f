"""Repair of a cache: nothing that can be read is lost, wherever it was cut; what is cut off is kept; twice is once."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores import _file_store, _setting_aside
from jitnas_fn.stores.places import SNAPSHOT, NoStore, Place
from jitnas_fn.stores.repair import repair
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_record
from tests.stores.documented import entries, record
from tests.stores.verify_and_repair.checked import everything, repaired

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path):
    store = TinyStore(tmp_path / "cache.jsonl")
    store.extend([*entries(0), record_entry(a_record(1, fixed_salt=SALT))])
    return store.path


def test_wherever_a_cache_was_cut_every_whole_entry_stays_and_the_rest_is_kept(path):
    whole = b"".join(path.read_bytes().splitlines(keepends=True)[:2])
    corrupt = path.with_name("cache.jsonl.corrupt")
    lines = whole.splitlines()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        corrupt.unlink(missing_ok=True)
        done = repaired(path)
        count = whole[:size].count(b"\n")
        rest = whole[:size].rpartition(b"\n")[2]
        is_whole = rest in lines
        assert path.read_bytes() == b"".join(line + b"\n" for line in lines[: count + is_whole])
        assert (done.ended, done.torn, done.torn_bytes) == ((1, 0, 0) if is_whole else (0, int(bool(rest)), len(rest)))
        assert (corrupt.read_bytes() if corrupt.exists() else b"") == (rest + b"\n" if rest and not is_whole else b"")
        if size % 97 == 0:
            before = everything(path.parent)
            assert "nothing to repair" in str(repaired(path))
            assert everything(path.parent) == before
            assert len(TinyStore(path).since({})[0]) == count + is_whole


def test_damaged_lines_stay_where_they_are_and_are_copied_once(path):
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[1].replace(b'"train_seconds":1.25', b'"train_seconds":1.35')
    path.write_bytes(b"".join([lines[0], b"no entry\n", changed, b"\n", lines[2], b"torn"]))
    done = repaired(path)
    assert (done.damaged, done.torn) == (3, 1)
    assert path.read_bytes() == b"".join([lines[0], b"no entry\n", changed, b"\n", lines[2]])
    corrupt = path.with_name("cache.jsonl.corrupt")
    assert corrupt.read_bytes() == b"no entry\n" + changed + b"torn\n"
    before = everything(path.parent)
    assert repaired(path).torn == 0
    assert everything(path.parent) == before


def test_what_was_aside_already_stays_there(path):
    corrupt = path.with_name("cache.jsonl.corrupt")
    corrupt.write_bytes(b"older\nof a copy that was torn its")
    path.write_bytes(path.read_bytes() + b"torn")
    repaired(path)
    assert corrupt.read_bytes() == b"older\nof a copy that was torn its\ntorn\n"


def test_a_torn_end_longer_than_any_entry_is_kept_in_full(path):
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 9_000_000)
    assert repaired(path).torn_bytes == 9_000_000
    assert path.read_bytes() == whole
    assert path.with_name("cache.jsonl.corrupt").stat().st_size == 9_000_001


def test_what_cannot_be_kept_aside_is_not_cut_off(path, monkeypatch):
    torn = path.read_bytes() + b"torn"
    path.write_bytes(torn)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(_setting_aside.os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            repaired(path)
    assert path.read_bytes() == torn
    assert repaired(path).torn == 1


def test_a_kill_between_the_copy_and_the_cut_loses_nothing_and_doubles_nothing(path):
    whole = path.read_bytes()
    path.write_bytes(whole + b"torn")
    code = f"""
import os
from pathlib import Path
from jitnas_fn.stores import repair
repair.cut_or_end = lambda *given, **named: os._exit(9)
repair.repair(repair.Place("cache", Path({str(path)!r})))
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 9
    assert path.read_bytes() == whole + b"torn"
    repaired(path)
    assert path.read_bytes() == whole
    assert path.with_name("cache.jsonl.corrupt").read_bytes() == b"torn\n"


def test_another_writer_is_waited_for(path):
    from filelock import FileLock

    with FileLock(f"{path}.lock"), pytest.raises(StoreError, match="another process has been writing"):
        repaired(path, lock_timeout_seconds=0.1)


def test_a_cache_of_a_newer_version_is_not_touched(path):
    path.write_bytes(path.read_bytes() + b'{"entry_version":2,"kind":"record"}\ntorn')
    before = everything(path.parent)
    with pytest.raises(NewerVersion):
        repaired(path)
    assert everything(path.parent) == before


def test_a_cache_that_is_not_there_needs_no_repair(tmp_path):
    assert "nothing to repair" in str(repaired(tmp_path / "cache.jsonl"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def indexed(path, monkeypatch):
    monkeypatch.setattr(_file_store, "FEW", 1)
    store = TinyStore(path)
    store._few = 1
    store.extend(entries(*range(1, 8)))
    store.put(record(8))
    fresh = TinyStore(path)
    fresh._few = 1
    fresh._covered = 0
    fresh._write_table()
    assert path.with_name("cache.jsonl.index").exists()
    return path


def test_an_index_that_is_right_stays(indexed):
    TinyStore(indexed).put(record(9))
    assert repaired(indexed).indexes == 0
    assert indexed.with_name("cache.jsonl.index").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cache, index: index.write_bytes(index.read_bytes()[:-1]),
        lambda cache, index: index.write_bytes(b"anything"),
        lambda cache, index: cache.write_bytes(b"".join(cache.read_bytes().splitlines(keepends=True)[:-2])),
        lambda cache, index: cache.write_bytes(b"".join(cache.read_bytes().splitlines(keepends=True)[1:])),
        lambda cache, index: cache.write_bytes(
            b"".join((lines := cache.read_bytes().splitlines(keepends=True))[:1] + lines[3:5] + lines[1:3] + lines[5:])
        ),
    ],
)
def test_an_index_that_is_wrong_is_removed_and_everything_is_found(indexed, spoil):
    index = indexed.with_name("cache.jsonl.index")
    spoil(indexed, index)
    done = repaired(indexed)
    assert (done.indexes, done.damaged, done.torn) == (1, 0, 0)
    assert not index.exists()
    content = indexed.read_bytes()
    assert sorted(entry.to_json() for entry in TinyStore(indexed).since({})[0]) == sorted(content.decode().splitlines())


def test_a_snapshot_is_refused(tmp_path):
    publish(tmp_path / "published", entries(0), created="2026-01-02T03:04:05Z")
    with pytest.raises(NoStore, match="publish it again"):
        repair(Place(SNAPSHOT, tmp_path / "published"))
