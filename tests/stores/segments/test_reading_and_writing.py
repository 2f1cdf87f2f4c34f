"""The shared store without trouble: a segment for each writer, cursors, pages, retractions, versions."""

import os
from pathlib import Path

import pytest

from jitnas_fn.core.entry import record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores import _writer
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import fixed, ids
from tests.stores.shared import compacted, segments

NOW = "2026-01-01T00:00:00Z"


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
