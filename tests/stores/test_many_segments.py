"""A whole class at once: what is asked of hundreds of open segments costs what it costs of one, and nothing is overlooked."""

import secrets
import shutil
import time

import pytest

from jitnas_fn.core.entry import Entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.stores import _compaction, _merging
from jitnas_fn.stores._indexed import IndexedStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import a_document, a_fingerprint, fixed

NOW, WRITERS = "2026-01-01T00:00:00Z", 50


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shared"


def written(folder, *entries):
    """A segment that nobody ended."""
    SegmentStore(folder).put(fixed(0))
    lines = b"".join(entry.to_json().encode() + b"\n" for entry in entries)
    path = folder / "segments" / f"{secrets.token_hex(16)}.jsonl"
    path.write_bytes(lines)
    return path


@pytest.fixture
def crowded(folder):
    for number in range(1, WRITERS + 1):
        written(folder, record_entry(fixed(number)))
    return SegmentStore(folder)


@pytest.fixture
def asked(monkeypatch):
    """How many stores were asked for something."""
    calls = []

    def counted(method):
        return lambda store, what: calls.append(store) or method(store, what)

    for name in ("replicates", "document", "is_retracted", "knows"):
        monkeypatch.setattr(IndexedStore, name, counted(getattr(IndexedStore, name)))
    return calls


def test_only_segments_that_have_something_are_asked(crowded, asked):
    assert crowded.get(fixed(7).key) == fixed(7)
    assert crowded.get(fixed(10**6).key) is None
    assert crowded.document(a_fingerprint(7)) is None
    assert not crowded.is_retracted(fixed(7).record_id)
    crowded.put(fixed(7))
    crowded.put(fixed(10**6))
    assert len(crowded) == WRITERS + 2
    assert len(asked) <= 5


def test_only_lines_of_writers_with_something_new_are_read(crowded, monkeypatch):
    _, cursor = crowded.since({})
    read = []
    between = IndexedStore.entries_between
    monkeypatch.setattr(IndexedStore, "entries_between", lambda *a, **k: read.append(a) or between(*a, **k))
    assert crowded.since(cursor) == ([], cursor)
    crowded.put(fixed(10**6))
    assert len(crowded.since(cursor)[0]) == 1
    assert len(read) == 1
    crowded.compact(idle_seconds=-1)
    _, cursor = crowded.since({})
    read.clear()
    assert crowded.since(cursor) == ([], cursor)
    assert read == []


def test_pages_of_many_segments_come_to_the_same(crowded):
    whole, end = crowded.since({})
    pages, cursor, most = [], {}, 3 * len(whole[0].to_json())
    while True:
        page, cursor = crowded.since(cursor, max_bytes=most)
        if not page:
            break
        assert sum(len(entry.to_json()) + 1 for entry in page) <= most
        pages += page
    assert cursor == end
    assert sorted(entry.to_json() for entry in pages) == sorted(entry.to_json() for entry in whole)


@pytest.mark.parametrize("merge", ["nothing", "the record", "everything"])
def test_every_segment_that_has_something_is_asked(folder, merge):
    low, high, other = fixed(1, token=1), fixed(1, token=2), fixed(2)
    assert low.key == high.key
    written(folder, record_entry(low), record_entry(other))
    if merge == "the record":
        assert SegmentStore(folder).compact(idle_seconds=-1).segments
    store = SegmentStore(folder)
    assert store.replicates(low.key) == [low]
    written(folder, record_entry(high.redacted()))
    assert store.replicates(low.key) == [high.redacted(), low]
    written(folder, record_entry(high))
    assert store.replicates(low.key) == [high, low]
    written(folder, retraction_entry(high.record_id, "wrong", created=NOW), architecture_entry(a_fingerprint(3), a_document(3)))
    written(folder, Entry("of a later version", {"anything": 1}))
    if merge == "everything":
        assert SegmentStore(folder).compact(idle_seconds=-1, keep_seconds=-1).segments
    for one in (store, SegmentStore(folder)):
        assert one.replicates(low.key) == [low]
        assert one.is_retracted(high.record_id)
        assert not one.is_retracted(low.record_id)
        assert one.document(a_fingerprint(3)) == a_document(3)
        assert {record.record_id for record in one.records()} == {fixed(0).record_id, low.record_id, other.record_id}
        assert len(one) == 3
    entries, _ = store.since({})
    store.extend(entries)
    assert len(store.since({})[0]) == len(entries)


def test_what_is_merged_or_removed_is_asked_no_longer(crowded, folder):
    assert crowded.get(fixed(1).key)
    assert SegmentStore(folder).compact(idle_seconds=-1, keep_seconds=-1).segments
    assert [crowded.get(fixed(number).key) for number in range(WRITERS)] == [fixed(number) for number in range(WRITERS)]
    assert crowded._view._crowd.having(fixed(1).key) == ()
    path = written(folder, record_entry(fixed(10**6)), retraction_entry(fixed(1).record_id, "wrong", created=NOW))
    assert crowded.get(fixed(10**6).key)
    assert crowded.get(fixed(1).key) is None
    path.unlink()
    assert crowded.get(fixed(10**6).key) is None
    assert crowded.get(fixed(1).key)


def test_a_segment_that_was_replaced_is_read_anew(folder):
    path = written(folder, record_entry(fixed(1)), retraction_entry(fixed(2).record_id, "wrong", created=NOW))
    store = SegmentStore(folder)
    assert store.is_retracted(fixed(2).record_id)
    new = path.with_suffix(".new")
    new.write_bytes(b"".join(record_entry(fixed(number)).to_json().encode() + b"\n" for number in (2, 3)))
    new.replace(path)
    assert [bool(store.get(fixed(number).key)) for number in (1, 2, 3)] == [False, True, True]
    assert not store.is_retracted(fixed(2).record_id)


@pytest.mark.timeout(60)
def test_a_look_up_does_not_slow_down_with_the_number_of_segments(folder):
    for number in range(1, 1001):
        written_quickly(folder, number)
    store, alone = SegmentStore(folder, look_seconds=600), MemoryStore()
    keys = [fixed(number).key for number in range(1, 101)]
    alone.extend(record_entry(fixed(number)) for number in range(1, 101))
    assert store.get(keys[0])
    assert best(lambda: [store.get(key) for key in keys]) < 5 * best(lambda: [alone.get(key) for key in keys]) + 0.01


def written_quickly(folder, number):
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    line = record_entry(fixed(number)).to_json().encode() + b"\n"
    (folder / "segments" / f"{secrets.token_hex(16)}.jsonl").write_bytes(line)


def best(work):
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


# lines that come late into a segment that is merged


def test_a_late_line_does_not_bring_all_others_again(folder, monkeypatch):
    writer, reader = SegmentStore(folder), SegmentStore(folder)
    for number in range(10):
        writer.put(fixed(number))
    entries, cursor = reader.since({})
    assert len(entries) == 10
    merge = _merging.merge

    def slow(*args, **options):
        """Another machine, which saw the old name, writes when the length was looked at; a reader sees the line."""
        nonlocal cursor
        (path,) = (folder / "segments").glob("*.merging")
        with path.open("ab") as file:
            file.write(record_entry(fixed(777)).to_json().encode() + b"\n")
        late, cursor = reader.since(cursor)
        assert len(late) == 1
        return merge(*args, **options)

    monkeypatch.setattr(_compaction, "merge", slow)
    assert SegmentStore(folder).compact(idle_seconds=-1).lines == 10
    monkeypatch.undo()
    assert reader.since(cursor)[0] == []
    _, cursor = reader.since(cursor)
    assert SegmentStore(folder).compact(keep_seconds=-1) is not None
    again, cursor = reader.since(cursor)
    assert [entry.body["record"]["record_id"] for entry in again] == [fixed(777).record_id]
    assert reader.since(cursor) == ([], cursor)
    assert len(reader) == 11


def test_a_cursor_far_beyond_what_a_segment_holds_is_no_cursor(folder):
    store = SegmentStore(folder)
    store.put(fixed(0))
    store.close()
    store.compact()
    _, cursor = store.since({})
    assert store.since(dict.fromkeys(cursor, 2))[0] == []
    assert len(store.since(dict.fromkeys(cursor, 10**6))[0]) == 1


# the lease of who merges


class Clock:
    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_compactor_at_work_keeps_its_lease(crowded, folder, clock, monkeypatch):
    """Each file takes it a minute: together far more than a lease lasts."""
    others = []
    copied = _merging._copied

    def slow(*args, **options):
        clock.now += 60
        others.append(SegmentStore(folder).compact(clock=clock))
        return copied(*args, **options)

    monkeypatch.setattr(_merging, "_copied", slow)
    done = crowded.compact(idle_seconds=-1, clock=clock)
    assert done is not None
    assert done.segments == len(others) > WRITERS
    assert set(others) == {None}
    assert len(SegmentStore(folder)) == WRITERS + 1


def test_a_compactor_that_lost_its_lease_changes_nothing(crowded, folder, clock, monkeypatch):
    merge, others = _merging.merge, []

    def stopped(*args, **options):
        monkeypatch.undo()
        clock.now += 1_000
        others.append(SegmentStore(folder).compact(idle_seconds=-1, clock=clock))
        return merge(*args, **options)

    monkeypatch.setattr(_compaction, "merge", stopped)
    assert crowded.compact(idle_seconds=-1, clock=clock) is None
    (other,) = others
    assert other.generation == 1
    assert [path.name for path in (folder / "catalogue").iterdir()] == ["1.json"]
    assert len(list((folder / "merged").glob("*.jsonl"))) == 1
    assert not list((folder / "merged").glob(".*"))
    assert len(SegmentStore(folder)) == len(crowded) == WRITERS + 1


def test_what_lost_its_lease_just_before_the_end_takes_no_room(crowded, folder, monkeypatch):
    """All is copied when somebody clears the leases."""
    merge, copies = _merging.merge, []

    def merged(*args, **options):
        copies.append(merge(*args, **options))
        shutil.rmtree(folder / "leases")
        return copies[0]

    monkeypatch.setattr(_compaction, "merge", merged)
    assert crowded.compact(idle_seconds=-1) is None
    assert len(copies) == 1
    assert not (folder / "catalogue").exists()
    assert list((folder / "merged").iterdir()) == []
    assert len(SegmentStore(folder)) == WRITERS + 1
