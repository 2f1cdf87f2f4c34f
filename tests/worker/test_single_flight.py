"""One training per key, however many ask: with threads, with processes, and with processes that are killed or stopped."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.core.errors import ModelFailed, StoreError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits
from jitnas_fn.stores.leases import Held, Lease, Leases
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker import questions
from jitnas_fn.worker.flight import leases_of, trained_once
from jitnas_fn.worker.site import use
from tests.client.models import Unkeyable, small
from tests.samples import a_document, a_fingerprint, a_record, a_task
from tests.worker.asking import asked, item_of, results_of

ROOT = Path(__file__).resolve().parents[2]
TTL, SKEW = 2.0, 0.5


def flown(store, leases, train, number=0, **more):
    given = {"limits": Limits(), "document": lambda: a_document(number), "train": train, **more}
    return trained_once(store, leases, a_task(number).key, **given)


@pytest.fixture
def store(tmp_path):
    return SegmentStore(tmp_path / "store")


@pytest.fixture
def leases(store):
    return leases_of(store, "here")


def _files(leases):
    return [path for path in leases.folder.rglob("*") if path.is_file()]


def test_a_miss_is_trained_under_a_token_and_kept_with_its_document(store, leases):
    record, source = flown(store, leases, lambda token: a_record(token=token))
    assert (source, record.provenance["token"]) == ("trained", 1)
    assert store.get(record.key) == record
    assert store.document(a_fingerprint()) == a_document()
    assert [entry.kind for entry in store.since({})[0]] == ["architecture", "record"]
    assert _files(leases) == []


def test_a_hit_claims_nothing(store, leases):
    record = a_record()
    store.put(record)
    assert flown(store, leases, None) == (record, "shared")
    assert not leases.folder.exists()


def test_a_document_that_is_there_is_not_even_made(store, leases):
    store.append(architecture_entry(a_fingerprint(), a_document()))
    flown(store, leases, lambda token: a_record(token=token), document=None)


def test_a_store_for_one_user_takes_no_lease_and_keeps_the_document():
    store = MemoryStore()
    assert leases_of(store, "here") is None
    record, source = flown(store, None, lambda token: a_record(token=token))
    assert (source, record.provenance["token"]) == ("trained", 0)
    assert store.document(a_fingerprint()) == a_document()


def test_a_training_that_fails_leaves_the_key_free(store, leases):
    def fails(token):
        raise ModelFailed("no such layer")

    with pytest.raises(ModelFailed):
        flown(store, leases, fails)
    assert _files(leases) == []
    assert isinstance(leases.claim(a_task().key), Lease)


def test_a_training_that_fails_after_another_holder_keeps_the_tokens_rising(store, leases):
    def fails(token):
        raise ModelFailed("no such layer")

    leases.claim(a_task().key).release(done=False)
    with pytest.raises(ModelFailed):
        flown(store, leases, fails)
    assert flown(store, leases, lambda token: a_record(token=token))[0].provenance["token"] == 3


def test_a_record_that_does_not_answer_is_trained_anew_under_a_greater_token(store, leases):
    limits = {"seconds": 1.0, "memory_bytes": None, "device": "cpu"}
    store.put(dataclasses.replace(a_record(token=7), verdict="over_time", limits=limits).sealed())
    record, source = flown(store, leases, lambda token: a_record(token=token))
    assert (source, record.provenance["token"]) == ("trained", 8)
    assert flown(store, leases, None, limits=Limits(seconds=0.5)) == (record, "shared")


def test_whoever_asks_meanwhile_is_told_who_trains_it(store, leases):
    lease = Leases(leases.folder, site="the other").claim(a_task().key)
    held = flown(store, leases, None)
    assert isinstance(held, Held)
    assert held.holder["site"] == "the other"
    assert leases.holder(a_task().key).token == 1
    store.put(a_record(token=1))
    lease.release(done=True)
    assert flown(store, leases, None)[1] == "shared"
    assert leases.holder(a_task().key) is None


def test_a_record_that_is_kept_is_told_of_and_one_that_is_not_is_not(store, leases, monkeypatch):
    kept = []
    record, _ = flown(store, leases, lambda token: a_record(token=token), once_kept=kept.append)
    assert kept == [record]
    monkeypatch.setattr(store, "put", lambda record: (_ for _ in ()).throw(StoreError("the disk is full")))
    with pytest.warns(UserWarning, match="the disk is full"):
        flown(store, leases, lambda token: a_record(1, token=token), number=1, once_kept=kept.append)
    assert kept == [record]


def test_a_long_training_beats(store, tmp_path):
    leases = Leases(tmp_path / "leases", ttl_seconds=0.4, skew_seconds=0.0)

    def train(token):
        for _ in range(20):  # three times the life of a lease
            time.sleep(0.06)
            assert isinstance(Leases(leases.folder, ttl_seconds=1.0, skew_seconds=0.0).claim(a_task().key), Held)
        return a_record(token=token)

    assert flown(store, leases, train)[1] == "trained"


def test_what_was_trained_is_answered_with_even_if_it_cannot_be_kept(store, leases, monkeypatch):
    def full(record):
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "put", full)
    with pytest.warns(UserWarning, match="was trained and is not kept in full: the disk is full"):
        record, source = flown(store, leases, lambda token: a_record(token=token))
    assert (source, record.key) == ("trained", a_task().key)
    assert isinstance(leases.claim(a_task().key), Lease)


def test_a_document_that_cannot_be_kept_does_not_lose_the_record(store, leases):
    with pytest.warns(UserWarning, match="does not have this fingerprint"):
        record, _ = flown(store, leases, lambda token: a_record(token=token), document=lambda: a_document(1))
    assert store.get(record.key) == record


def test_an_orphans_record_is_kept_and_its_successors_answers(store, tmp_path):
    clock = [1_800_000_000.0]
    leases = Leases(tmp_path / "leases", clock=lambda: clock[0])
    successor = []

    def orphaned(token):
        clock[0] += 200  # it was stopped
        successor.append(flown(store, leases, lambda token: a_record(token=token)))
        return a_record(token=token)

    record, source = flown(store, leases, orphaned)
    assert successor == [(record, "trained")]
    assert (source, record.provenance["token"]) == ("shared", 2)
    assert [kept.provenance["token"] for kept in store.replicates(record.key)] == [2, 1]


CHILD = """
import json, os, sys, time
from pathlib import Path
from jitnas_fn.core.task import Limits
from jitnas_fn.stores.leases import Leases
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.flight import trained_once
from tests.samples import a_document, a_record, a_task

folder, keys, seconds, ttl, skew = Path(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:6])
store = SegmentStore(folder / "store")
leases = Leases(folder / "leases", ttl_seconds=ttl, skew_seconds=skew)
counter = os.open(folder / "trainings", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
assert "torch" not in sys.modules


def train(number):
    def work(token):
        os.write(counter, f"{number} {token} {os.getpid()} {time.time()}\\n".encode())
        time.sleep(seconds)
        return a_record(number, token=token)
    return work


order = list(range(keys))
begin = os.getpid() % keys
for number in order[begin:] + order[:begin]:
    while not isinstance(found := trained_once(store, leases, a_task(number).key, limits=Limits(),
                                               document=lambda: a_document(number), train=train(number)), tuple):
        time.sleep(0.05)
    record, source = found
    print(json.dumps([number, record.record_id, record.provenance["token"], source]), flush=True)
"""


def _asking(folder, keys=1, seconds=0.05, ttl=60.0, skew=60.0):
    command = [sys.executable, "-c", CHILD, str(folder), *map(str, (keys, seconds, ttl, skew))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _answers(process):
    lines = process.communicate(timeout=100)[0].splitlines()
    return [json.loads(line) for line in lines]


def _trainings(folder):
    path = folder / "trainings"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(number), int(token), int(pid), float(when)) for number, token, pid, when in map(str.split, lines)]


def _wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_fifty_processes_that_ask_for_twenty_keys_train_twenty_times(tmp_path):
    processes = [_asking(tmp_path, keys=20) for _ in range(50)]
    answers = [answer for process in processes for answer in _answers(process)]
    assert {process.returncode for process in processes} == {0}
    trainings = _trainings(tmp_path)
    assert sorted(number for number, *_ in trainings) == list(range(20))
    assert len(answers) == 50 * 20
    assert len({(number, record_id) for number, record_id, *_ in answers}) == 20
    assert sum(source == "trained" for *_, source in answers) == 20
    store = SegmentStore(tmp_path / "store")
    assert len(store) == 20
    assert all(store.document(a_fingerprint(number)) == a_document(number) for number in range(20))
    assert [path for path in (tmp_path / "leases").rglob("*") if path.is_file()] == []


def test_a_killed_holder_is_taken_over_once_and_in_time(tmp_path):
    holder = _asking(tmp_path, seconds=1000, ttl=TTL, skew=SKEW)
    _wait_for(lambda: _trainings(tmp_path))
    waiting = [_asking(tmp_path, ttl=TTL, skew=SKEW) for _ in range(5)]
    time.sleep(1)
    holder.kill()
    killed = time.time()
    holder.communicate()
    answers = [answer for process in waiting for answer in _answers(process)]
    (_, first, *_), (_, second, pid, when) = _trainings(tmp_path)
    assert (first, second) == (1, 2)
    assert pid in {process.pid for process in waiting}
    assert TTL * 3 / 4 <= when - killed <= TTL + 2 * SKEW + 1  # a second for a look at the disk on a busy machine
    assert len({record_id for _, record_id, *_ in answers}) == 1
    assert sorted(source for *_, source in answers) == ["shared"] * 4 + ["trained"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system does not stop processes")
def test_a_stopped_holder_that_comes_back_gives_its_successors_answer_and_both_are_kept(tmp_path):
    orphan = _asking(tmp_path, seconds=1, ttl=TTL, skew=SKEW)
    with contextlib.ExitStack() as anyway:
        anyway.callback(orphan.kill)
        _wait_for(lambda: _trainings(tmp_path))
        orphan.send_signal(signal.SIGSTOP)
        (successor,) = _answers(_asking(tmp_path, ttl=TTL, skew=SKEW))
        orphan.send_signal(signal.SIGCONT)
        (answer,) = _answers(orphan)
    assert (successor[2:], answer[2:]) == ([2, "trained"], [2, "shared"])
    assert answer[1] == successor[1]
    kept = SegmentStore(tmp_path / "store").replicates(a_task().key)
    assert [record.provenance["token"] for record in kept] == [2, 1]


def test_a_site_trains_once_for_all_who_ask_at_the_same_time(site, tmp_path):
    here = site(store=SegmentStore(tmp_path / "store"))
    item = item_of(lambda: small(outputs=4), Recipe(name="short", epochs=2, batch_size=64, learning_rate=0.05))
    start = threading.Barrier(4)

    def ask(number):
        use(here)
        start.wait()
        while "in_flight" in (result := results_of(item)[0]):
            assert set(result) == {"key", "in_flight"}
            time.sleep(0.05)
        return result

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(ask, range(4)))
    assert sorted(result["source"] for result in results) == ["shared", "shared", "shared", "trained"]
    assert len({result["record"]["record_id"] for result in results}) == 1
    record = Record.from_dict(results[0]["record"])
    assert record.provenance["token"] == 1
    kinds = [entry["kind"] for entry in asked("since", cursor={})["entries"]]
    assert kinds == ["architecture", "record"]
    assert here.store.document(record.parts["fingerprint"]) == item["payload"]["document"]


def test_a_site_says_who_trains_a_key_when_asked_for_its_record(site, tmp_path):
    store = SegmentStore(tmp_path / "store")
    site(store=store)
    item = item_of(lambda: small(outputs=4))
    lease = leases_of(store, "another").claim(item["key"])
    (result,) = asked("lookup", keys=[item["key"]], in_flight=True)["results"]
    assert (result["record"], result["in_flight"]["site"]) == (None, "another")
    lease.release(done=False)
    assert asked("lookup", keys=[item["key"]], in_flight=True)["results"][0]["in_flight"] is None
    assert "in_flight" not in asked("lookup", keys=[item["key"]])["results"][0]


def test_more_records_than_fit_into_an_answer_are_left_for_the_next(site, tmp_path, monkeypatch):
    store = SegmentStore(tmp_path / "store")
    site(store=store)
    records = [a_record(number) for number in range(5)]
    for record in records:
        store.put(record)
    monkeypatch.setattr(questions, "PAGE_BYTES", 3_000)
    results = asked("lookup", keys=[record.key for record in records])["results"]
    found = [result["record"] is not None for result in results]
    assert found == sorted(found, reverse=True)
    assert 0 < sum(found) < 5
    assert all(result.get("left_out") for result, there in zip(results, found, strict=True) if not there)


def test_a_site_with_a_store_of_its_own_keeps_the_document_too(site):
    here, item = site(store=MemoryStore()), item_of(lambda: small(outputs=4))
    (result,) = results_of(item)
    assert result["record"]["provenance"]["token"] == 0
    assert here.store.document(item["parts"]["fingerprint"]) == item["payload"]["document"]


def test_what_has_no_fingerprint_needs_no_lease(site, tmp_path):
    site(store=SegmentStore(tmp_path / "store"))
    (result,) = results_of(item_of(Unkeyable(), keyed=False))
    assert result["source"] == "trained"
    assert not (tmp_path / "store" / "leases").exists()
