"""Merging segments: everything is kept and every cursor holds, whoever is stopped or killed at whatever moment."""

import os
import random
import time

import pytest

from jitnas_fn.core.entry import architecture_entry, record_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores import _writer
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import a_document, a_fingerprint, fixed, ids
from tests.stores.shared import compacted, segments


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
