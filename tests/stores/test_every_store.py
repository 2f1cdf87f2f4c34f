"""The contract that every store keeps. A new store is added to `STORES` and inherits all of it."""

import dataclasses
import functools
import re
import threading

import pytest

from jitnas_fn.core.entry import Entry, alias_entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, RecordError
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.reachable import ReachableStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import a_document, a_fingerprint, a_record

STORES = {
    "memory": lambda folder: MemoryStore(),
    "tinydb": lambda folder: TinyStore(folder / "cache.jsonl"),
    "segments": lambda folder: SegmentStore(folder / "shared"),
    "merged": lambda folder: Merging(folder / "shared"),
    "reachable": lambda folder: ReachableStore(lambda: TinyStore(folder / "cache.jsonl")),
    "layered": lambda folder: LayeredStore([TinyStore(folder / "cache.jsonl"), MemoryStore()]),
    "one layer": lambda folder: LayeredStore([MemoryStore()]),
}


class Merging(SegmentStore):
    """Merges everything after each append, and keeps nothing that was merged."""

    def extend(self, entries):
        super().extend(entries)
        self.close()
        self.compact(idle_seconds=0, keep_seconds=-1)  # unless another thread is at it


OURS = re.compile(
    r"cache\.jsonl(\.lock)?|shared|store\.json|segments|merged|catalogue|leases|_|MANIFEST\.json|\d+\.json"
    r"|[0-9a-f]{32}\.(jsonl|merging)(\.index)?"
)
NOW = "2026-01-02T03:04:05Z"


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    return STORES[request.param](tmp_path)


def test_an_empty_store_has_nothing(store):
    record = a_record()
    assert store.get(record.key) is None
    assert store.replicates(record.key) == []
    assert store.document(a_fingerprint()) is None
    assert list(store.records()) == []
    assert len(store) == 0
    assert store.since({})[0] == []


def test_what_was_put_is_found_under_its_key(store):
    records = [a_record(number) for number in range(5)]
    for record in records:
        store.put(record)
    assert [store.get(record.key) for record in records] == records
    assert list(store.records()) == records
    assert len(store) == 5


def test_a_record_is_kept_once(store):
    record = a_record()
    store.put(record)
    store.put(record)
    store.append(record_entry(record))
    assert len(store) == 1
    assert store.replicates(record.key) == [record]
    assert len(store.since({})[0]) == 1


def test_replicates_are_kept_best_first(store):
    low, high, site = a_record(token=1), a_record(token=2), a_record(trust="site")
    for record in (high, site, low):
        store.put(record)
    assert store.replicates(low.key) == [site, high, low]
    assert store.get(low.key) == site
    assert len(store) == 3


@pytest.mark.parametrize("first", ["record", "retraction"])
def test_a_retracted_record_is_hidden_whichever_came_first(store, first):
    good, bad = a_record(token=1), a_record(token=2)
    entries = [record_entry(bad), retraction_entry(bad.record_id, "wrong data", created=NOW)]
    store.put(good)
    for entry in entries if first == "record" else reversed(entries):
        store.append(entry)
    assert store.get(good.key) == good
    assert store.replicates(good.key) == [good]
    assert list(store.records()) == [good]
    assert len(store) == 1


def test_a_document_is_kept_once_per_fingerprint(store):
    for _ in range(3):
        store.append(architecture_entry(a_fingerprint(7), a_document(7)))
    assert store.document(a_fingerprint(7)) == a_document(7)
    assert store.document(a_fingerprint(8)) is None
    assert len(store.since({})[0]) == 1
    assert len(store) == 0


def test_entries_of_every_kind_are_handed_on_in_order(store):
    record = a_record()
    entries = [
        architecture_entry(a_fingerprint(), a_document()),
        record_entry(record),
        alias_entry("nasbench201", "|nor_conv_3x3~0|", input_shape=(3, 32, 32), outputs=10, fingerprint=a_fingerprint()),
        retraction_entry(record.record_id, "a reason", created=NOW),
        Entry("of a later version", {"anything": [1, {"two": None}]}),
    ]
    for entry in entries + entries:
        store.append(entry)
    kept, _ = store.since({})
    assert [entry.to_json() for entry in kept] == [entry.to_json() for entry in entries]


def test_since_gives_what_is_new(store):
    store.put(a_record(1))
    _, cursor = store.since({})
    assert store.since(cursor) == ([], cursor)
    new = a_record(2)
    store.put(new)
    entries, cursor = store.since(cursor)
    assert [entry.body["record"]["record_id"] for entry in entries] == [new.record_id]
    assert store.since(cursor)[0] == []


@pytest.mark.parametrize("seen", [10**9, -1, "x", None, 1.5])
def test_a_cursor_that_cannot_be_right_gives_everything(store, seen):
    store.put(a_record(1))
    store.put(a_record(2))
    cursor = dict.fromkeys(store.since({})[1], seen)
    assert len(store.since(cursor)[0]) == 2


def test_the_cursor_of_another_store_gives_everything(store):
    other = MemoryStore()
    other.put(a_record(9))
    store.put(a_record(1))
    assert len(store.since(other.since({})[1])[0]) == 1


def test_the_cursor_of_a_store_that_begins_alike_gives_everything(store, tmp_path):
    other = TinyStore(tmp_path / "cache.jsonl.lock")  # a name of ours
    first = architecture_entry(a_fingerprint(), a_document())
    for one in (store, other):
        one.append(first)
    other.put(a_record(1))
    store.put(a_record(2))
    store.put(a_record(3))
    assert len(store.since(other.since({})[1])[0]) == 3


def test_what_a_caller_does_to_a_record_does_not_change_the_store(store):
    record = a_record()
    store.put(record)
    store.get(record.key).metrics["validation"]["accuracy"] = 1.0
    next(iter(store.records())).metrics.clear()
    store.since({})[0][0].body.clear()
    assert store.get(record.key) == a_copy(record)


def test_what_a_caller_does_to_a_record_it_put_does_not_change_the_store(store):
    record = a_record()
    before = record.to_json()
    store.put(record)
    record.metrics["validation"]["accuracy"] = 1.0
    assert store.get(record.key).to_json() == before


def test_a_redacted_copy_is_completed_by_the_full_record(store):
    record = a_record()
    store.put(record.redacted())
    assert "test" not in store.get(record.key).metrics
    store.put(record)
    assert store.get(record.key) == record
    store.put(record.redacted())
    assert store.get(record.key) == record
    assert len(store) == 1
    assert len(store.replicates(record.key)) == 1


def nested(depth):
    return functools.reduce(lambda inner, _: [inner], range(depth), [])


HOSTILE = [
    pytest.param({"note": float("nan")}, id="nan"),
    pytest.param({"note": float("inf")}, id="infinity"),
    pytest.param({"note": "x" * 10_000_000}, id="ten megabytes"),
    pytest.param({"note": object()}, id="no JSON"),
    pytest.param({"note": {2: "two", 10: "ten"}}, id="numbers as names"),
    pytest.param({"note": nested(80)}, id="deep"),
    pytest.param({"note": nested(5_000)}, id="very deep"),
    pytest.param({"note": 10**5000}, id="huge integer"),
]


@pytest.mark.parametrize("extra", HOSTILE)
def test_what_could_not_be_read_again_is_refused(store, extra):
    good = a_record(1)
    record = dataclasses.replace(good, extra=extra)
    with pytest.raises(RecordError):
        store.put(record)
    assert len(store) == 0
    store.put(good)
    assert store.get(good.key) == good


@pytest.mark.parametrize("text", ["../../etc/passwd", "a\x00b", "\ud800", "\u2028", "'; drop table", "é" * 1000, "\n\r", ""])
def test_hostile_text_is_stored_inertly(store, tmp_path, text):
    record = a_record(extra={"note": text, text: {text: [text]}})
    store.put(record)
    store.append(Entry("kind " + text, {"point": text}))
    assert store.get(record.key) == record
    assert len(store.since({})[0]) == 2
    assert all(OURS.fullmatch(path.name) for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("key", ["", "x", "../" * 20, "a\x00", "A" * 64, "f" * 65, 7, None, b"f" * 64, ["f" * 64], {}])
def test_what_is_no_key_is_not_found(store, tmp_path, key):
    store.put(a_record())
    assert store.get(key) is None
    assert store.replicates(key) == []
    assert store.document(key) is None


def test_a_record_that_was_changed_is_refused(store):
    entry = record_entry(a_record())
    entry.body["record"]["metrics"]["validation"]["accuracy"] = 0.99
    with pytest.raises(RecordError, match="was changed"):
        store.append(entry)
    assert len(store) == 0


def test_a_document_with_another_fingerprint_is_refused(store):
    with pytest.raises(RecordError, match="fingerprint"):
        store.append(architecture_entry(a_fingerprint(1), a_document(2)))


def test_a_record_of_a_later_version_is_refused(store):
    entry = record_entry(a_record())
    entry.body["record"]["record_version"] = 2
    with pytest.raises(NewerVersion):
        store.append(entry)


def test_many_threads_put_and_get(store):
    records = [a_record(number) for number in range(40)]
    missing = []

    def work(share):
        for record in share:
            store.put(record)
            if store.get(record.key) != record:
                missing.append(record)

    threads = [threading.Thread(target=work, args=(records[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert len(store) == 40


def a_copy(record):
    return type(record).from_json(record.to_json())
