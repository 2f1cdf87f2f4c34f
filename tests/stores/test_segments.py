"""The shared store: many writers, readers and a compactor at once, kills, stops, full disks, hostile folders."""

import errno
import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from jitnas_fn.core.entry import architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores import _writer, catalogue
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import SALT, a_document, a_fingerprint, a_record

SHARING = Path(__file__).with_name("sharing.py")
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shared"


def fixed(number):
    return a_record(number, fixed_salt=SALT)


def started(folder, first, count):
    return subprocess.Popen([sys.executable, SHARING, folder, str(first), str(count)])


def ids(store):
    return sorted(record.record_id for record in store.records())


def compacted(store, **options):
    done = store.compact(**{"idle_seconds": 0, "keep_seconds": -1, **options})
    assert done is not None
    return done


def segments(folder):
    return sorted(path.name for path in (folder / "segments").iterdir())


# reading and writing


def test_each_writer_has_a_segment_of_its_own(folder):
    stores = [SegmentStore(folder) for _ in range(3)]
    for number in range(9):
        stores[number % 3].put(fixed(number))
    assert len(segments(folder)) == 3
    assert all(ids(store) == sorted(fixed(number).record_id for number in range(9)) for store in stores)


def test_nothing_is_made_before_something_is_put(folder):
    assert len(SegmentStore(folder)) == 0
    assert not folder.exists()


def test_what_one_writer_knows_of_another_it_does_not_write_again(folder):
    first, second = SegmentStore(folder), SegmentStore(folder)
    first.put(fixed(0))
    assert second.get(fixed(0).key) == fixed(0)
    second.put(fixed(0))
    assert len(segments(folder)) == 1


def test_a_line_that_is_being_written_is_not_read_yet(folder):
    writer, reader = SegmentStore(folder), SegmentStore(folder)
    writer.put(fixed(0))
    segment = folder / "segments" / segments(folder)[0]
    line = record_entry(fixed(1)).to_json().encode() + b"\n"
    with segment.open("ab") as file:
        file.write(line[:-10])
        file.flush()
        assert reader.get(fixed(1).key) is None
        file.write(line[-10:])
    assert reader.get(fixed(1).key) == fixed(1)


def test_a_cursor_costs_one_look_at_each_open_segment_and_nothing_for_what_is_merged(folder, monkeypatch):
    for number in range(6):
        SegmentStore(folder).put(fixed(number))
    reader = SegmentStore(folder)
    compacted(reader)
    writers = [SegmentStore(folder) for _ in range(4)]
    for number, writer in enumerate(writers):
        writer.put(fixed(10 + number))
    entries, cursor = reader.since({})
    assert len(entries) == 10
    looked, opens = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *given: looked.append(Path(path)) or opens(path, *given))
    monkeypatch.setattr("jitnas_fn.stores._log.open", lambda *given, **named: pytest.fail("it reads"), raising=False)
    assert reader.since(cursor) == ([], cursor)
    monkeypatch.undo()
    assert sorted(path.name for path in looked if path.parent.name == "segments") == segments(folder)
    assert len(looked) == 4


def test_a_fresh_process_with_a_cursor_reads_no_merged_lines(folder, monkeypatch):
    for number in range(6):
        SegmentStore(folder).put(fixed(number))
    compacted(SegmentStore(folder))
    _, cursor = SegmentStore(folder).since({})
    SegmentStore(folder).put(fixed(9))
    fresh, reading = SegmentStore(folder), []
    for file in fresh._view._merged.values():
        monkeypatch.setattr(file._log, "read", lambda numbers: reading.append(list(numbers)) or iter(()))
    entries, _ = fresh.since(cursor)
    assert [entry.body["record"]["key"] for entry in entries] == [fixed(9).key]
    assert not any(reading)


def test_many_look_ups_may_share_a_look_at_the_folder(folder, monkeypatch):
    writer = SegmentStore(folder)
    writer.put(fixed(0))
    reader = SegmentStore(folder, look_seconds=30)
    looks, newest = [], reader._view._generations.newest
    monkeypatch.setattr(reader._view._generations, "newest", lambda: looks.append(1) or newest())
    assert [reader.get(fixed(0).key) for _ in range(10)] == 10 * [fixed(0)]
    assert looks == []
    writer.put(fixed(1))
    assert reader.get(fixed(1).key) is None
    assert len(reader.since({})[0]) == 2
    assert reader.get(fixed(1).key) == fixed(1)
    writer.close()
    compacted(SegmentStore(folder))
    assert reader.get(fixed(0).key) == fixed(0)


def test_pages_bring_everything_once(folder):
    stores = [SegmentStore(folder) for _ in range(3)]
    for number in range(30):
        stores[number % 3].put(fixed(number))
        if number == 12:
            stores[0].close()
            compacted(stores[0], idle_seconds=1e9)
    reader, cursor, found = SegmentStore(folder), {}, []
    while True:
        entries, cursor = reader.since(cursor, max_bytes=6_000)
        if not entries:
            break
        assert sum(len(entry.to_json()) for entry in entries) <= 6_000
        found += [entry.body["record"]["record_id"] for entry in entries]
    assert sorted(found) == ids(reader)


# merging


def test_merging_keeps_everything_and_every_cursor(folder):
    store, seen, cursor = SegmentStore(folder), [], {}
    draw = random.Random(1)
    for round_ in range(8):
        for number in range(5):
            writer = SegmentStore(folder) if draw.random() < 0.5 else store
            writer.put(fixed(10 * round_ + number))
        store.append(architecture_entry(a_fingerprint(round_), a_document(round_)))
        if draw.random() < 0.7:
            entries, cursor = store.since(cursor)
            seen += [entry.to_json() for entry in entries]
        compacted(SegmentStore(folder))
    seen += [entry.to_json() for entry in store.since(cursor)[0]]
    assert len(seen) == len(set(seen)) == 48
    assert len(store) == len(SegmentStore(folder)) == 40
    assert [store.document(a_fingerprint(number)) for number in range(8)] == [a_document(number) for number in range(8)]


def test_a_segment_in_use_is_merged_only_when_it_is_idle(folder):
    store = SegmentStore(folder)
    store.put(fixed(0))
    assert compacted(store, idle_seconds=3600).segments == 0
    store.put(fixed(1))
    assert len(segments(folder)) == 1
    store.close()
    assert compacted(store, idle_seconds=3600).segments == 1
    assert segments(folder) == []


def test_each_line_is_copied_a_logarithmic_number_of_times(folder):
    store, copied = SegmentStore(folder), 0
    for number in range(64):
        store.put(fixed(number))
        store.close()
        before = {path.name for path in (folder / "merged").glob("*.jsonl")} if (folder / "merged").exists() else set()
        compacted(store)
        new = [path for path in (folder / "merged").glob("*.jsonl") if path.name not in before]
        copied += sum(path.read_bytes().count(b"\n") - 1 for path in new)
    assert copied <= 64 * 7
    assert len(list((folder / "merged").glob("*.jsonl"))) <= 7
    assert len(store) == 64


def test_what_was_merged_stays_for_those_who_still_read_it(folder):
    store = SegmentStore(folder)
    store.put(fixed(0))
    store.close()
    store.compact()
    assert [name.partition(".")[2] for name in segments(folder)] == ["merging"]
    compacted(store)
    assert segments(folder) == []
    assert store.get(fixed(0).key) == fixed(0)


def test_a_compactor_that_was_killed_leaves_what_the_next_one_finishes(folder, monkeypatch):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
    store.close()
    monkeypatch.setattr("jitnas_fn.stores._generations.Generations.commit", lambda *given: os._exit(9))
    child = os.fork()
    if child == 0:
        try:
            store.compact(idle_seconds=0, keep_seconds=-1)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert len(SegmentStore(folder)) == 3
    assert store.compact(idle_seconds=0, keep_seconds=-1, clock=lambda: time.time() + 1000).segments == 1
    compacted(store)
    assert len(list((folder / "merged").glob("*.jsonl"))) == 1
    assert len(SegmentStore(folder)) == 3


def test_a_compactor_that_comes_back_too_late_changes_nothing(folder, monkeypatch):
    """It is stopped before its catalogue is made; another merges the same and more, and even forgets the catalogue before."""
    from jitnas_fn.stores._generations import Generations

    store, commit = SegmentStore(folder), Generations.commit
    store.put(fixed(0))
    store.close()

    def meanwhile(generations, catalogue):
        monkeypatch.undo()
        (folder / "leases" / "_").rename(folder / "leases" / "of the one that was stopped")
        for number in range(1, 4):
            store.put(fixed(number))
            store.close()
            compacted(SegmentStore(folder))
        for path in sorted((folder / "catalogue").iterdir(), key=lambda path: int(path.stem))[:-1]:
            path.unlink()
        (folder / "leases" / "_").rename(folder / "leases" / "other")
        (folder / "leases" / "of the one that was stopped").rename(folder / "leases" / "_")
        return commit(generations, catalogue)

    monkeypatch.setattr(Generations, "commit", meanwhile)
    assert SegmentStore(folder).compact(idle_seconds=0, keep_seconds=-1) is None
    assert ids(SegmentStore(folder)) == sorted(fixed(number).record_id for number in range(4))
    assert ids(store) == ids(SegmentStore(folder))


def test_a_catalogue_that_nobody_could_read_is_not_made(folder, monkeypatch):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
        store.close()
    monkeypatch.setattr("jitnas_fn.stores._generations.MAX_CATALOGUE_BYTES", 300)
    with pytest.raises(StoreError, match="fill a new store from this one"):
        store.compact(idle_seconds=0, keep_seconds=-1)
    assert ids(SegmentStore(folder)) == ids(store) == sorted(fixed(number).record_id for number in range(3))


def test_only_one_compactor_is_at_work(folder):
    from jitnas_fn.stores.leases import Leases

    store = SegmentStore(folder)
    store.put(fixed(0))
    lease = Leases(folder / "leases").claim("compaction")
    assert store.compact(idle_seconds=0) is None
    lease.release(done=True)
    assert store.compact(idle_seconds=0) is not None


def test_a_writer_whose_segment_was_merged_before_its_line_came_writes_it_again(folder, monkeypatch):
    """As if it was stopped between opening its segment and writing: the line goes where nobody looks."""
    store, other = SegmentStore(folder), SegmentStore(folder)
    store.put(fixed(0))
    append = _writer.SegmentWriter._append

    def stopped(writer, content):
        monkeypatch.undo()
        compacted(other)
        append(writer, content)

    monkeypatch.setattr(_writer.SegmentWriter, "_append", stopped)
    store.put(fixed(1))
    assert ids(SegmentStore(folder)) == ids(store) == sorted(fixed(number).record_id for number in range(2))


def test_a_writer_whose_segment_was_merged_with_its_line_does_not_write_it_again(folder, monkeypatch):
    """As if it was stopped after writing and before looking whether its segment is still there."""
    store, other = SegmentStore(folder), SegmentStore(folder)
    store.put(fixed(0))
    append = _writer.SegmentWriter._append

    def stopped(writer, content):
        monkeypatch.undo()
        append(writer, content)
        compacted(other)

    monkeypatch.setattr(_writer.SegmentWriter, "_append", stopped)
    store.put(fixed(1))
    assert segments(folder) == []
    assert len(store.since({})[0]) == len(store) == 2


def test_a_line_that_came_after_the_compactor_has_read_its_segment_is_written_again(folder, monkeypatch):
    """Readers see it in the segment that is being merged, but it will not be in the merged file."""
    from jitnas_fn.stores._generations import Generations

    store, commit = SegmentStore(folder), Generations.commit
    store.put(fixed(0))

    def meanwhile(generations, catalogue):
        store.put(fixed(1))
        return commit(generations, catalogue)

    monkeypatch.setattr(Generations, "commit", meanwhile)
    compacted(SegmentStore(folder), keep_seconds=600)
    assert ids(SegmentStore(folder)) == ids(store) == sorted(fixed(number).record_id for number in range(2))


def test_lines_that_came_into_a_segment_after_it_was_merged_are_not_lost(folder):
    """A machine that still sees the old name: its writer is told that all is well."""
    store = SegmentStore(folder)
    store.put(fixed(0))
    (name,) = segments(folder)
    compacted(SegmentStore(folder), keep_seconds=600)
    with (folder / "segments" / name.replace("jsonl", "merging")).open("ab") as file:
        file.write(record_entry(fixed(1)).to_json().encode() + b"\n")
    compacted(SegmentStore(folder))
    assert ids(SegmentStore(folder)) == sorted(fixed(number).record_id for number in range(2))
    compacted(SegmentStore(folder))
    assert len(SegmentStore(folder)) == 2


# many at once


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sixteen_writers_while_readers_and_the_compactor_run(folder):
    """16 × 1,000 records: all kept, none twice, none torn, and no reader ever sees a gap or a record twice."""
    writers = [started(folder, 1000 * number, 1000) for number in range(16)]
    reader, cursor, seen, most = SegmentStore(folder), {}, [], 0
    while any(writer.poll() is None for writer in writers):
        entries, cursor = reader.since(cursor)
        seen += [entry.body["record"]["record_id"] for entry in entries]
        assert len(reader) >= most, "records vanished"
        most = len(reader)
        SegmentStore(folder).compact(idle_seconds=0.2, keep_seconds=2)
    seen += [entry.body["record"]["record_id"] for entry in reader.since(cursor)[0]]
    assert all(writer.wait() == 0 for writer in writers)
    assert sorted(set(seen)) == sorted(fixed(number).record_id for number in range(16_000)) == ids(SegmentStore(folder))
    assert len(seen) == 16_000


@pytest.mark.timeout(300)
def test_readers_follow_while_two_compactors_run_without_a_pause(folder):
    """At the same moment, in processes of their own: no reader sees a gap, or a line twice, or a record vanish."""
    writers = [started(folder, 1000 * number, 300) for number in range(4)]
    compactors = []
    try:
        for _ in range(2):
            child = os.fork()
            if child == 0:
                try:
                    while True:
                        SegmentStore(folder).compact(idle_seconds=0.05, keep_seconds=1)
                finally:
                    os._exit(1)
            compactors.append(child)
        reader, cursor, seen, most = SegmentStore(folder), {}, [], 0
        while any(writer.poll() is None for writer in writers):
            entries, cursor = reader.since(cursor)
            seen += [entry.body["record"]["record_id"] for entry in entries]
            there = len(SegmentStore(folder))
            assert there >= most
            most = there
        seen += [entry.body["record"]["record_id"] for entry in reader.since(cursor)[0]]
    finally:
        for child in compactors:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert all(writer.wait() == 0 for writer in writers)
    expected = sorted(fixed(1000 * writer + number).record_id for writer in range(4) for number in range(300))
    assert sorted(set(seen)) == expected == ids(SegmentStore(folder))
    assert len(seen) - len(set(seen)) <= 5  # a line that a writer had to write again, since its segment was taken meanwhile


class Forked:
    """A child that appends until it is killed, and a pipe on which it says the number of each record once it is kept."""

    def __init__(self, folder, first):
        self.reading, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                store = SegmentStore(folder)
                for number in itertools.count(first):
                    store.put(fixed(number))
                    os.write(writing, b"%d\n" % number)
            finally:
                os._exit(1)  # or it would go on with the tests
        os.close(writing)

    def killed_after(self, seconds):
        """Kill it so long after it has begun; the numbers that it said."""
        told = os.read(self.reading, 1)
        time.sleep(seconds)
        self.kill()
        with os.fdopen(self.reading, "rb") as pipe:
            return [int(number) for number in (told + pipe.read()).split(b"\n")[:-1]]

    def kill(self):
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        self.child = 0


@pytest.mark.timeout(300)
def test_what_was_acknowledged_survives_200_kills_at_random_moments(folder):
    draw, kept = random.Random(7), []
    for round_ in range(50):
        children = [Forked(folder, 100_000 * (4 * round_ + number)) for number in range(4)]
        try:
            for child in children:
                kept += child.killed_after(draw.random() * 0.02)
        finally:
            for child in children:
                child.kill()
        if round_ % 10 == 9:
            compacted(SegmentStore(folder))
    assert len(kept) > 200
    assert {fixed(number).record_id for number in kept} <= set(ids(SegmentStore(folder)))


@pytest.mark.timeout(300)
def test_writers_that_are_stopped_while_their_segments_are_merged_lose_nothing(folder):
    draw, writers, store = random.Random(3), [], SegmentStore(folder)
    writers = [started(folder, 1000 * number, 150) for number in range(4)]
    while any(writer.poll() is None for writer in writers):
        writer = draw.choice(writers)
        if writer.poll() is None:
            os.kill(writer.pid, signal.SIGSTOP)
            time.sleep(0.02)
            store.compact(idle_seconds=-1, keep_seconds=0.5)
            os.kill(writer.pid, signal.SIGCONT)
            time.sleep(draw.random() * 0.03)
    expected = sorted(fixed(1000 * writer + number).record_id for writer in range(4) for number in range(150))
    assert ids(store) == ids(SegmentStore(folder)) == expected


# bad disks


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_disk_that_fails_is_told_and_harms_nothing(folder, monkeypatch, number, call):
    store = SegmentStore(folder)
    store.put(fixed(0))
    real = getattr(os, call)

    def failing(descriptor, *given):
        if given:
            real(descriptor, given[0][:20])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_writer.os, call, failing)
    with pytest.raises(StoreError, match=os.strerror(number)):
        store.put(fixed(1))
    monkeypatch.undo()
    left = {0} if call == "write" else {0, 1}  # a whole line stays: it was written, and is perhaps not on the disk
    assert ids(SegmentStore(folder)) == sorted(fixed(n).record_id for n in left)
    store.put(fixed(2))
    assert ids(SegmentStore(folder)) == ids(store) == sorted(fixed(n).record_id for n in {*left, 2})


def test_what_could_not_be_synced_is_written_again_when_it_is_put_again(folder, monkeypatch):
    store, fsync = SegmentStore(folder), os.fsync
    store.put(fixed(0))

    def failing(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_writer.os, "fsync", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        store.put(fixed(1))
    synced = []
    monkeypatch.setattr(_writer.os, "fsync", lambda descriptor: synced.append(1) or fsync(descriptor))
    store.put(fixed(1))
    assert synced
    assert ids(store) == ids(SegmentStore(folder)) == sorted(fixed(n).record_id for n in range(2))


@pytest.mark.parametrize("merged", [False, True])
def test_who_looked_while_a_write_failed_misses_nothing_that_comes_later(folder, monkeypatch, merged):
    """Lines were written, seen, and could not be synced: what comes next must not have their numbers."""
    store, reader, cursors = SegmentStore(folder), SegmentStore(folder), []
    store.put(fixed(0))

    def failing(descriptor):
        monkeypatch.undo()
        cursors.append(reader.since({})[1])
        if merged:
            compacted(SegmentStore(folder), idle_seconds=1e9)
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - 100)  # as a disk that cannot keep what it took
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_writer.os, "fsync", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        store.extend(record_entry(fixed(number)) for number in (1, 2))
    for number in (3, 4):
        store.put(fixed(number))
    found = {entry.body["record"]["record_id"] for entry in reader.since(cursors[0])[0]}
    assert {fixed(number).record_id for number in (3, 4)} <= found
    compacted(SegmentStore(folder), idle_seconds=1e9)
    manifest = catalogue.Catalogue.from_json((folder / "MANIFEST.json").read_text())
    for path, begins, part in catalogue.located(manifest):
        content = (folder / path).read_bytes()[begins:] if (folder / path).exists() else b""
        for chunk in part.chunks:
            assert hashlib.sha256(content[: chunk.bytes]).hexdigest() == chunk.sha256
            content = content[chunk.bytes :]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_is_read(folder):
    SegmentStore(folder).put(fixed(0))
    (folder / "segments").chmod(0o555)
    try:
        store = SegmentStore(folder)
        assert store.get(fixed(0).key) == fixed(0)
        with pytest.raises(StoreError, match="cannot be written"):
            store.put(fixed(1))
    finally:
        (folder / "segments").chmod(0o755)


def test_a_store_of_a_newer_version_is_refused(folder):
    SegmentStore(folder).put(fixed(0))
    (folder / "store.json").write_text('{"schema":"jitnas_fn shared store","schema_version":2}')
    with pytest.raises(NewerVersion, match="format 2"):
        SegmentStore(folder)


def test_an_entry_of_a_newer_version_is_refused(folder):
    SegmentStore(folder).put(fixed(0))
    (folder / "segments" / f"{'a' * 32}.jsonl").write_text('{"entry_version":9,"kind":"record"}\n')
    with pytest.raises(NewerVersion, match="format 9"):
        SegmentStore(folder)


def test_what_is_no_shared_store_is_refused(folder):
    folder.mkdir()
    (folder / "store.json").write_text('{"schema":"something else","schema_version":1}')
    with pytest.raises(StoreError, match="is no jitnas_fn shared store"):
        SegmentStore(folder)


# hostile folders


def lying(record):
    """A line in the form of a record, whose content is not that of its id."""
    line = record_entry(record).to_json().encode() + b"\n"
    assert b'"train_seconds":1.25' in line
    return line.replace(b'"train_seconds":1.25', b'"train_seconds":9.75')


def test_lines_that_lie_hide_no_good_ones_before_and_after_merging(folder):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
    store.append(architecture_entry(a_fingerprint(0), a_document(0)))
    store.close()
    liar = folder / "segments" / f"{'0' * 32}.jsonl"
    document = architecture_entry(a_fingerprint(0), a_document(0)).to_json().encode().replace(b'"features":0', b'"features":1')
    liar.write_bytes(b"".join(lying(fixed(number)) for number in range(3)) + document + b"\n")
    os.utime(liar, (1, 1))
    with pytest.warns(UserWarning, match="damaged"):
        assert [SegmentStore(folder).get(fixed(number).key) for number in range(3)] == [fixed(number) for number in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert SegmentStore(folder).document(a_fingerprint(0)) == a_document(0)
        compacted(store)
        fresh = SegmentStore(folder)
        assert [fresh.get(fixed(number).key) for number in range(3)] == [fixed(number) for number in range(3)]
        assert fresh.document(a_fingerprint(0)) == a_document(0)
        assert ids(fresh) == sorted(fixed(number).record_id for number in range(3))


def test_what_is_put_beside_a_line_that_lies_is_kept(folder):
    SegmentStore(folder).put(fixed(9))
    (folder / "segments" / f"{'0' * 32}.jsonl").write_bytes(lying(fixed(0)))
    store = SegmentStore(folder)
    with pytest.warns(UserWarning, match="damaged"):
        store.put(fixed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert SegmentStore(folder).get(fixed(0).key) == fixed(0)


def test_files_of_other_names_are_left_alone(folder):
    store = SegmentStore(folder)
    store.put(fixed(0))
    line = record_entry(fixed(1)).to_json() + "\n"
    for name in ("x.jsonl", f"{'A' * 32}.jsonl", f"{'a' * 31}.jsonl", f"{'a' * 32}.json", f".{'a' * 32}.jsonl", "évil\n.jsonl"):
        (folder / "segments" / name).write_text(line)
    assert ids(SegmentStore(folder)) == [fixed(0).record_id]
    compacted(store)
    assert len(list((folder / "segments").iterdir())) == 6


DAMAGED = [
    b"\n",
    b"null\n",
    b"[" * 5000 + b"\n",
    b'{"closed":true}',
    b"\xff\xfe\n",
    b'{"kind":"record"}\n',
    b"x" * 10_000_000 + b"\n",
]


@pytest.mark.parametrize("line", DAMAGED)
def test_damaged_lines_are_left_out_and_said(folder, line):
    store = SegmentStore(folder)
    store.put(fixed(0))
    (folder / "segments" / f"{'a' * 32}.jsonl").write_bytes(
        record_entry(fixed(1)).to_json().encode() + b"\n" + line + record_entry(fixed(2)).to_json().encode() + b"\n"
    )
    if line.endswith(b"\n"):
        with pytest.warns(UserWarning, match="a damaged entry left out"):
            fresh = SegmentStore(folder)
        assert ids(fresh) == sorted(fixed(number).record_id for number in range(3))
    else:
        with pytest.warns(UserWarning, match="damaged"):
            assert fixed(1).record_id in ids(SegmentStore(folder))


@pytest.mark.timeout(20)
def test_what_is_no_file_is_no_segment(folder, tmp_path):
    """A pipe would be waited for; a link would lead out of the store."""
    store = SegmentStore(folder)
    store.put(fixed(0))
    os.mkfifo(folder / "segments" / f"{'a' * 32}.jsonl")
    outside = tmp_path / "outside"
    outside.write_text(record_entry(fixed(1)).to_json() + "\n")
    (folder / "segments" / f"{'b' * 32}.jsonl").symlink_to(outside)
    (folder / "segments" / f"{'c' * 32}.merging").mkdir()
    assert ids(SegmentStore(folder)) == [fixed(0).record_id]
    compacted(store)
    assert outside.exists()
    assert len(list((folder / "segments").iterdir())) == 3


def test_after_a_lost_catalogue_nothing_is_removed(folder):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
        store.close()
        compacted(store)
    shutil.rmtree(folder / "catalogue")
    fresh = SegmentStore(folder)
    for number in range(3, 6):
        fresh.put(fixed(number))
        fresh.close()
        compacted(fresh)
    lines = b"".join(path.read_bytes() for path in (folder / "merged").glob("*.jsonl"))
    assert all(fixed(number).record_id.encode() in lines for number in range(6))


def test_a_merged_file_that_is_lost_is_told_and_the_rest_is_read_and_written(folder):
    store = SegmentStore(folder)
    for number in range(2):
        store.put(fixed(number))
    store.close()
    compacted(store)
    compacted(store)
    store.put(fixed(2))
    (lost,) = (folder / "merged").glob("*.jsonl")
    content = lost.read_bytes()
    lost.unlink()
    with pytest.warns(RuntimeWarning, match=f"{lost.name} is gone"):
        fresh = SegmentStore(folder)
    assert fixed(2).record_id in ids(fresh)
    fresh.put(fixed(0))
    entries, cursor = fresh.since({})
    assert {fixed(number).record_id for number in (0, 2)} <= {entry.body["record"]["record_id"] for entry in entries}
    lost.write_bytes(content)
    restored = SegmentStore(folder)
    assert ids(restored) == sorted(fixed(number).record_id for number in range(3))
    assert {entry.body["record"]["record_id"] for entry in restored.since(cursor)[0]} <= set(ids(restored))


def test_a_merged_file_that_was_cut_gives_what_is_left(folder):
    store = SegmentStore(folder)
    for number in range(4):
        store.put(fixed(number))
    store.close()
    compacted(store)
    (merged,) = (folder / "merged").glob("*.jsonl")
    content = merged.read_bytes()
    merged.write_bytes(content[: content.rindex(b"\n", 0, -1) - 500])
    fresh = SegmentStore(folder)
    entries, cursor = fresh.since({})
    assert len(entries) == len(fresh) == 2
    merged.write_bytes(content)
    assert len(SegmentStore(folder).since(cursor)[0]) == 2


def test_a_retraction_by_one_writer_hides_the_record_of_another(folder):
    first, second = SegmentStore(folder), SegmentStore(folder)
    first.put(fixed(0))
    second.append(retraction_entry(fixed(0).record_id, "wrong data", created=NOW))
    assert first.get(fixed(0).key) is None
    compacted(first)
    assert len(SegmentStore(folder)) == 0


def test_a_fork_writes_to_a_segment_of_its_own(folder):
    store = SegmentStore(folder)
    store.put(fixed(0))
    child = os.fork()
    if child == 0:
        try:
            store.put(fixed(1))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    store.put(fixed(2))
    assert len(segments(folder)) == 2
    assert ids(store) == sorted(fixed(number).record_id for number in range(3))


def test_a_large_segment_is_followed_by_another(folder, monkeypatch):
    monkeypatch.setattr(_writer, "MOST_BYTES", 5_000)
    store = SegmentStore(folder)
    for number in range(10):
        store.put(fixed(number))
    assert len(segments(folder)) == 4
    assert len(SegmentStore(folder)) == 10
