"""Filling a cache: incremental, resumable, and whatever the writers and compactors do meanwhile."""

import pytest

from jitnas_fn.client.remote import Remote
from jitnas_fn.client.synced import Progress
from jitnas_fn.core.entry import retraction_entry
from jitnas_fn.stores import catalogue
from jitnas_fn.stores.segments import SegmentStore
from tests.client.sync.reading import Reads, expected
from tests.samples import a_document, a_fingerprint, fixed, ids

NOW = "2026-01-01T00:00:00Z"


def test_the_first_time_brings_everything(client, cache, shared):
    done = client.sync(str(shared.folder))
    assert (done.entries, done.new, done.damaged, done.reached) == (30, 30, 0, True)
    assert ids(cache) == expected(*range(20))
    assert cache.document(a_fingerprint(3)) == a_document(3)
    assert str(done).startswith(f"30 new of 30 entries from {shared.folder}")
    assert client.store.get(fixed(7).key) == fixed(7)


def test_later_only_what_is_new_is_read(client, cache, shared, monkeypatch):
    client.sync(str(shared.folder))
    reads = Reads(monkeypatch)
    assert client.sync(str(shared.folder)).entries == 0
    assert reads.files == []
    shared.put(fixed(20))
    shared.compact()
    done = client.sync(str(shared.folder))
    assert (done.entries, done.new) == (1, 1)
    assert len(reads.files) == 1
    assert ids(cache) == expected(*range(21))


def test_merging_makes_nothing_new(client, cache, shared, monkeypatch):
    client.sync(str(shared.folder))
    shared.close()
    shared.compact(idle_seconds=0, keep_seconds=-1)
    reads = Reads(monkeypatch)
    assert client.sync(str(shared.folder)).entries == 0
    assert reads.files == []


@pytest.mark.parametrize("least", range(1, 8))
def test_what_was_broken_off_goes_on_from_there(client, cache, shared, monkeypatch, least):
    monkeypatch.setattr("jitnas_fn.stores._merging.CHUNK_BYTES", 5_000)
    monkeypatch.setattr("jitnas_fn.client.sync_pieces.BATCH_BYTES", 5_000)
    shared.close()
    shared.compact(idle_seconds=0)
    with monkeypatch.context() as patch:
        first = Reads(patch, least=least)
        done = client.sync(str(shared.folder))
        assert not done.reached
        assert "the cable was pulled" in str(done)
    second = Reads(monkeypatch)
    done = client.sync(str(shared.folder))
    assert done.reached
    assert ids(cache) == expected(*range(20))
    now = catalogue.Catalogue.from_json((shared.folder / "MANIFEST.json").read_text())
    assert len(first.files) == least - 1
    assert len(first.files) + len(second.files) == sum(len(part.chunks) for _, _, part in catalogue.located(now)) == 8


def test_what_is_merged_while_it_is_fetched_is_fetched_from_where_it_is_then(client, cache, shared, monkeypatch):
    read = Remote.read

    def meanwhile(remote, path, *, start, size):
        if path != "MANIFEST.json":
            monkeypatch.setattr(Remote, "read", read)
            shared.put(fixed(99))
            shared.close()
            shared.compact(idle_seconds=0, keep_seconds=-1)
            shared.compact(idle_seconds=0, keep_seconds=-1)
        return read(remote, path, start=start, size=size)

    monkeypatch.setattr(Remote, "read", meanwhile)
    done = client.sync(str(shared.folder))
    assert (done.reached, done.new) == (True, 31)
    assert ids(cache) == expected(*range(20), 99)


def test_many_writers_cost_one_request_and_one_turn_of_the_cache(client, cache, shared, monkeypatch):
    for number in range(20, 60):
        shared.put(fixed(number))
        shared.close()
    shared.compact()
    shared.compact()
    turns, remembered, take, reached = [], [], cache.take, Progress.reached
    monkeypatch.setattr(cache, "take", lambda lines: turns.append(1) or take(lines))
    monkeypatch.setattr(Progress, "reached", lambda *told, done: remembered.append(done) or reached(*told, done=done))
    reads = Reads(monkeypatch)
    assert client.sync(str(shared.folder)).new == 70
    merged = {name for name in reads.files if name.startswith("merged/")}
    assert len(reads.files) == len(merged) <= 2
    assert (len(turns), remembered) == (1, [False, True])
    assert ids(cache) == expected(*range(60))


def test_many_open_segments_are_kept_before_all_are_read(client, cache, shared, monkeypatch):
    monkeypatch.setattr("jitnas_fn.client.sync_pieces.BATCH_RUNS", 3)
    writers = [SegmentStore(shared.folder) for _ in range(8)]
    for number, writer in enumerate(writers, start=20):
        writer.put(fixed(number))
    shared.compact()
    kept, reached = [], Progress.reached
    monkeypatch.setattr(
        Progress, "reached", lambda self, name, cursor, done: kept.append(len(cache)) or reached(self, name, cursor, done=done)
    )
    client.sync(str(shared.folder))
    assert len(kept) == 5
    assert kept[0] < kept[1] < kept[2] < kept[3] == 28


def test_a_compactor_that_was_killed_is_in_nobodys_way(client, cache, shared, monkeypatch):
    shared.close()

    def killed(*told, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("jitnas_fn.stores._compaction.merge", killed)
        with pytest.raises(KeyboardInterrupt):
            shared.compact()
    assert list((shared.folder / "segments").glob("*.merging"))
    assert client.sync(str(shared.folder)).new == 30
    shared.compact()
    assert client.sync(str(shared.folder)).new == 0
    assert ids(cache) == expected(*range(20))


def test_a_retraction_hides_the_record_after_one_sync(client, cache, shared):
    client.sync(str(shared.folder))
    shared.append(retraction_entry(fixed(3).record_id, "wrong data", created=NOW))
    shared.compact()
    client.sync(str(shared.folder))
    assert client.store.get(fixed(3).key) is None
    assert ids(client.store) == expected(*(number for number in range(20) if number != 3))
