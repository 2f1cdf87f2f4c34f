"""Repair: nothing that can be read is lost, wherever a file was cut; what is cut off is kept; twice is once."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.core.entry import architecture_entry, record_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores import _file_store, _setting_aside
from jitnas_fn.stores.places import CACHE, SHARED, SNAPSHOT, NoStore, Place
from jitnas_fn.stores.repair import repair
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from jitnas_fn.stores.verification import verify
from tests.samples import SALT, a_record
from tests.stores.documented import architecture, entries, record

ROOT = Path(__file__).resolve().parents[2]
LATER = time.time() + 1e6  # every segment is idle then
WRITER = "a" * 32


@pytest.fixture
def path(tmp_path):
    store = TinyStore(tmp_path / "cache.jsonl")
    store.extend([*entries(0), record_entry(a_record(1, fixed_salt=SALT))])
    return store.path


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        store = SegmentStore(tmp_path / "shared")
        store.extend(entries(number))
        store.close()
    return tmp_path / "shared"


def repaired(path, **named):
    return repair(Place(SHARED if path.is_dir() else CACHE, path), **named)


def everything(folder):
    """Every file under a folder but locks and leases, and its content."""
    files = {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: content for name, content in files.items() if name.suffix != ".lock" and "leases" not in name.parts}


def compacted(folder, **options):
    return SegmentStore(folder).compact(**{"idle_seconds": 0, "keep_seconds": -1, **options})


def torn_segment(folder, content):
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    path = folder / "segments" / f"{WRITER}.jsonl"
    path.write_bytes(content)
    return path


def seen(folder):
    """How often each entry is read of a shared store."""
    found = [entry.to_json() for entry in SegmentStore(folder).since({})[0]]
    assert len(found) == len(set(found))
    return sorted(found)


def all_of(*numbers):
    return sorted(entry.to_json() for entry in entries(*numbers))


# the user's cache


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
            assert str(repaired(path)).endswith("nothing to repair")
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
    assert str(repaired(tmp_path / "cache.jsonl")).endswith("nothing to repair")
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


# torn ends in a shared store


def test_wherever_a_segment_was_cut_every_whole_entry_stays_and_the_rest_is_kept(tmp_path):
    whole = b"".join(entry.to_json().encode() + b"\n" for entry in entries(0))
    lines, folder = whole.splitlines(), tmp_path / "shared"
    for size in range(len(whole) + 1):
        for old in [path for path in folder.rglob("*") if path.is_file()]:
            old.unlink()
        torn_segment(folder, whole[:size])
        done = repaired(folder, clock=lambda: LATER)
        rest = whole[:size].rpartition(b"\n")[2]
        is_whole = rest in lines
        (path,) = (folder / "segments").iterdir()
        assert path.read_bytes() == b"".join(line + b"\n" for line in lines[: whole[:size].count(b"\n") + is_whole])
        kept = [file.read_bytes() for file in (folder / "aside").iterdir()] if (folder / "aside").exists() else []
        assert kept == ([rest] if rest and not is_whole else [])
        assert (done.torn, done.ended) == (len(kept), int(is_whole))
        if size % 97 == 0:
            before = everything(folder)
            assert str(repaired(folder, clock=lambda: LATER)).endswith("nothing to repair")
            assert everything(folder) == before
            assert len(seen(folder)) == whole[:size].count(b"\n") + is_whole


def test_the_torn_end_of_a_segment_in_use_is_left_alone(folder):
    path = torn_segment(folder, b"torn")
    done = repaired(folder)
    assert (done.left, done.torn) == (1, 0)
    assert path.read_bytes() == b"torn"
    assert repaired(folder, idle_seconds=0, clock=lambda: time.time() + 1).torn == 1


def test_a_writer_that_was_only_asleep_keeps_its_line(folder):
    """It is stopped in the middle of a line; its segment is repaired meanwhile; it goes on."""
    code = f"""
import os, signal, sys
from jitnas_fn.stores import _writer
from jitnas_fn.stores.segments import SegmentStore
from tests.stores.documented import entries
store = SegmentStore({str(folder)!r})
store.extend(entries(7))
write = os.write
def halting(descriptor, content):
    done = write(descriptor, content[:100])
    _writer.os.write = write
    os.kill(os.getpid(), signal.SIGSTOP)
    return done
_writer.os.write = halting
store.extend(entries(8))
"""
    writer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        assert repaired(folder, clock=lambda: LATER).torn == 1
    finally:
        os.kill(writer.pid, signal.SIGCONT)
    assert writer.wait(60) == 0
    with pytest.warns(UserWarning, match="a damaged entry left out"):  # the other half of the line
        found = {entry.to_json() for entry in SegmentStore(folder).since({})[0]}
    assert sorted(found) == all_of(0, 1, 2, 7, 8)


def test_whoever_merges_keeps_repair_out(folder):
    from jitnas_fn.stores.leases import COMPACTION, Leases

    lease = Leases(folder / "leases").claim(COMPACTION)
    with pytest.raises(StoreError, match="try again"):
        repaired(folder)
    lease.release(done=True)
    repaired(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_nothing_is_changed_through_a_link(folder, tmp_path):
    outside = tmp_path / "precious"
    outside.write_bytes(b"not an entry, without a newline")
    (folder / "segments" / f"{WRITER}.jsonl").symlink_to(outside)
    done = repaired(folder, clock=lambda: LATER)
    assert "a symbolic link" in done.lost[0]
    assert outside.read_bytes() == b"not an entry, without a newline"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / f"{WRITER}.jsonl").write_bytes(b"torn")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "segments").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="nothing was repaired"):
        repaired(tmp_path / "other", clock=lambda: LATER)


# a catalogue that is lost


def the_catalogue(folder):
    return max((folder / "catalogue").iterdir(), key=lambda path: int(path.stem))


def two_merged_files(folder):
    """One of three writers, and a smaller one of another; and what is in them."""
    compacted(folder)
    (first,) = (folder / "merged").glob("*.jsonl")
    store = SegmentStore(folder)
    store.append(architecture_entry(architecture(9).fingerprint, architecture(9).document))
    store.close()
    compacted(folder)
    assert len(list((folder / "merged").glob("*.jsonl"))) == 2
    return first


LOST = {
    "removed": lambda folder: [path.unlink() for path in (folder / "catalogue").iterdir()],
    "with its folder and copy": lambda folder: [
        *(path.unlink() for path in (folder / "catalogue").iterdir()),
        (folder / "catalogue").rmdir(),
        (folder / "MANIFEST.json").unlink(),
    ],
    "unreadable": lambda folder: the_catalogue(folder).write_text('{"generation":'),
    "empty": lambda folder: the_catalogue(folder).write_text(""),
    "a folder": lambda folder: (path := the_catalogue(folder), path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
@pytest.mark.parametrize("keep_seconds", [-1, 600])
def test_a_catalogue_that_is_lost_is_made_anew(folder, lose, keep_seconds):
    two_merged_files(folder)
    store = SegmentStore(folder)
    store.extend(entries(3))
    store.close()
    compacted(folder, keep_seconds=keep_seconds)
    late = SegmentStore(folder)
    late.extend(entries(4))
    expected = seen(folder)
    generation = int(the_catalogue(folder).stem)
    lose(folder)
    done = repaired(folder)
    assert done.generation >= (1 if lose is LOST["with its folder and copy"] else generation + 1)
    assert done.lost == []
    assert seen(folder) == expected
    assert verify(Place(SHARED, folder)).counts["bad"] == 0
    before = everything(folder)
    assert repaired(folder).generation == 0
    assert everything(folder) == before
    late.close()
    compacted(folder)
    compacted(folder)
    assert seen(folder) == expected


def test_superseded_files_that_are_still_there_do_not_double_anything(folder):
    """A catalogue names a file that was merged into a larger one; then it is lost."""
    compacted(folder)
    (small,) = (folder / "merged").glob("*.jsonl")
    kept = small.read_bytes()
    for number in range(3, 6):
        store = SegmentStore(folder)
        store.extend(entries(number))
        store.close()
    compacted(folder)
    small.write_bytes(kept)
    the_catalogue(folder).write_text("{")
    repaired(folder)
    assert seen(folder) == all_of(*range(6))


def test_of_two_copies_the_one_with_more_lines_counts(folder):
    """A merged file lost its end; the segments that it was made of are still there."""
    compacted(folder, keep_seconds=600)
    (path,) = (folder / "merged").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-100])
    assert verify(Place(SHARED, folder)).counts["bad"] > 0
    assert repaired(folder).generation == 2
    assert seen(folder) == all_of(0, 1, 2)
    assert verify(Place(SHARED, folder)).counts["bad"] == 0


def test_an_older_catalogue_whose_files_are_gone_is_replaced(folder):
    """The newest catalogue is lost, and the one before names a file that is removed already."""
    compacted(folder)
    old = the_catalogue(folder).read_bytes()
    store = SegmentStore(folder)
    for number in range(3, 9):
        store.extend(entries(number))
    store.close()
    compacted(folder)
    the_catalogue(folder).unlink()
    (folder / "catalogue" / "1.json").write_bytes(old)
    assert verify(Place(SHARED, folder)).counts["bad"] > 0
    repaired(folder)
    assert seen(folder) == all_of(*range(9))


def test_a_merged_file_that_no_copy_can_replace_is_said_and_not_forgotten(folder):
    compacted(folder)
    (path,) = (folder / "merged").glob("*.jsonl")
    content = path.read_bytes()
    path.unlink()
    done = repaired(folder)
    assert len(done.lost) == 3
    assert "backup" in str(done)
    assert done.generation == 0
    path.write_bytes(content)
    assert repaired(folder).lost == []
    assert seen(folder) == all_of(0, 1, 2)


def test_a_merged_file_that_does_not_say_whose_lines_it_holds_is_kept_from_the_compactor(folder):
    compacted(folder)
    (path,) = (folder / "merged").glob("*.jsonl")
    content = b"[" + path.read_bytes()[1:]
    path.write_bytes(content)
    the_catalogue(folder).write_text("{")
    done = repaired(folder)
    assert "does not say whose lines" in done.lost[-1]
    assert (folder / "aside" / path.name).read_bytes() == content


def test_a_compactor_that_was_killed_before_its_catalogue_needs_no_repair(folder, monkeypatch):
    monkeypatch.setattr("jitnas_fn.stores._generations.Generations.commit", lambda *given: os._exit(9))
    child = os.fork()
    if child == 0:
        compacted(folder)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert len(list((folder / "merged").glob("*.jsonl"))) == 1
    assert repaired(folder, clock=lambda: LATER).generation == 0
    assert verify(Place(SHARED, folder)).counts["bad"] == 0
    assert seen(folder) == all_of(0, 1, 2)


def test_a_wrong_index_of_a_merged_file_is_removed(folder):
    compacted(folder)
    assert repaired(folder).indexes == 0
    (index,) = (folder / "merged").glob("*.index")
    index.write_bytes(b"anything")
    assert repaired(folder).indexes == 1
    assert seen(folder) == all_of(0, 1, 2)


def test_a_shared_store_of_a_newer_version_is_not_touched(folder):
    torn_segment(folder, b"torn")
    (folder / "store.json").write_text('{"schema":"jitnas_fn shared store","schema_version":2}')
    before = everything(folder)
    with pytest.raises(NewerVersion):
        repaired(folder, clock=lambda: LATER)
    assert everything(folder) == before
