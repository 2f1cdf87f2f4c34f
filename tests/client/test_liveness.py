"""What was sent is looked after: an answer that is lost, or a worker, is noticed without a word from the executor."""

import pytest
import tenacity

from jitnas_fn import Client
from jitnas_fn.client import liveness, losses
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import ModelFailed
from jitnas_fn.core.task import Limits
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, record_for, trained
from tests.client.models import small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}
HELD = {"site": "here", "since": "2026-01-01T00:00:00Z", "silent_seconds": 1.0}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(liveness, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_none())


class Site:
    """What the control path is told: whether somebody trains it, and the record."""

    def __init__(self):
        self.in_flight, self.record, self.ended, self.asked = None, None, None, 0

    def __call__(self, text):
        envelope = Envelope.from_json(text)
        if envelope.verb != "lookup":
            return Envelope(
                envelope.verb, {"results": [{"key": key, "state": "unknown"} for key in envelope.items("keys")]}
            ).to_json()
        self.asked += 1
        record = self.record and self.record.to_dict()
        told = {"record": record, "in_flight": self.in_flight} | ({} if self.ended is None else {"ended": self.ended})
        results = [{"key": key, **told} for key in envelope.items("keys")]
        return Envelope("lookup", {"results": results}).to_json()


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def executor():
    return Held()


@pytest.fixture
def client(site, executor):
    return Client(store=MemoryStore(), executor=executor, control=Inline(site))


def item_of(executor):
    return Envelope.from_json(executor.call()[1]).items("tasks")[0]


def test_an_answer_that_never_comes_is_fetched_from_the_sites_store(client, site, executor):
    evaluation = client.submit(small, **ASK)
    site.record = record_for(item_of(executor))
    assert evaluation.result(5).key == evaluation.key
    assert client.store.get(evaluation.key) is not None


def test_what_somebody_trained_and_nobody_trains_any_more_is_sent_again(client, site, executor):
    evaluation = client.submit(small, **ASK)
    executor.call()
    site.in_flight = HELD
    until(lambda: site.asked > 3)
    assert len(executor.calls) == 1
    site.in_flight = None
    until(lambda: len(executor.calls) == 2)
    first, second = executor.calls
    assert first[1] == second[1]
    assert not evaluation.done()
    asked = site.asked
    until(lambda: site.asked > asked + 2)
    assert len(executor.calls) == 2  # and nothing is sent for the first, which was withdrawn
    second[0].set_result(trained(second[1]))
    assert evaluation.result(5).verdict == "trained"


def test_what_waits_in_a_queue_is_left_alone_however_long(client, site, executor):
    evaluation = client.submit(small, **ASK)
    until(lambda: site.asked > 10)
    assert len(executor.calls) == 1
    assert not evaluation.done()


def test_what_was_sent_again_is_given_time_to_begin_again(client, site, executor):
    client.submit(small, **ASK)
    executor.call()
    site.in_flight = HELD
    until(lambda: site.asked > 3)
    site.in_flight = None
    until(lambda: len(executor.calls) == 2)
    asked = site.asked
    until(lambda: site.asked > asked + 6)  # nobody was seen to train it since
    assert len(executor.calls) == 2


def test_to_wait_in_a_queue_is_not_to_be_trained(client, site, executor):
    client.submit(small, **ASK)
    executor.call()
    site.in_flight = {**HELD, "queued": True}
    asked = site.asked
    until(lambda: site.asked > asked + 3)
    site.in_flight = None
    asked = site.asked
    until(lambda: site.asked > asked + 6)
    assert len(executor.calls) == 1


REFUSED = {"type": "ModelFailed", "message": "no such thing", "retryable": False}


def test_an_error_that_never_comes_is_told_by_the_site(client, site, executor):
    evaluation = client.submit(small, **ASK)
    site.ended = {"key": executor.key(), "error": REFUSED}
    assert isinstance(evaluation.exception(5), ModelFailed)
    assert len(executor.calls) == 1


def test_a_record_that_no_store_has_is_told_by_the_site_for_a_model_without_a_key_too(site, executor):
    client = Client(store=MemoryStore(), executor=executor, control=Inline(site))
    evaluation = client.submit(small, identity="none", **ASK)
    item = item_of(executor)
    site.ended = {"key": item["key"], "record": record_for(item).to_dict(), "source": "trained"}
    assert evaluation.result(5).key == evaluation.key
    assert evaluation.source == "trained"


@pytest.mark.parametrize("ended", [3, {}, {"record": 4}, {"error": 5}, {"in_flight": HELD}, {"record": {"key": "x"}}])
def test_nonsense_about_an_end_ends_nothing(client, site, executor, ended):
    evaluation = client.submit(small, **ASK)
    executor.call()
    site.ended = ended
    asked = site.asked
    until(lambda: site.asked > asked + 3)
    assert not evaluation.done()


def test_what_has_ended_before_it_is_sent_is_not_sent(site, executor, client):
    site.ended = {"key": "x", "error": REFUSED}
    evaluation = client.submit(small, **ASK)
    assert isinstance(evaluation.exception(5), ModelFailed)
    assert executor.calls == []


def test_what_was_seen_once_between_two_misses_is_not_lost(client, site, executor):
    client.submit(small, **ASK)
    executor.call()
    for _ in range(3):
        for held in (HELD, None):  # one miss, and it is seen again
            site.in_flight = held
            asked = site.asked
            until(lambda asked=asked: site.asked > asked)
    assert len(executor.calls) == 1


def test_what_was_sent_again_after_an_error_is_given_time_to_begin_again_too(client, site, executor):
    client.submit(small, **ASK)
    executor.call()
    site.in_flight = HELD
    asked = site.asked
    until(lambda: site.asked > asked + 1)
    site.in_flight = None
    executor.call()[0].set_exception(ConnectionResetError("gone"))
    until(lambda: len(executor.calls) == 2)
    asked = site.asked
    until(lambda: site.asked > asked + 6)  # it waits in a queue
    assert len(executor.calls) == 2


def test_how_a_run_ended_is_not_told_of_another_run_of_the_same_key(executor):
    """One is asked for without limits, one with: the second runs out of time, and that says nothing of the first."""
    over, ends = {}, []

    def site(text):
        envelope = Envelope.from_json(text)
        if envelope.verb != "lookup":
            return Envelope(envelope.verb, {"results": []}).to_json()
        pairs = zip(envelope.items("keys"), envelope.items("runs"), strict=True)
        ends.append(len(envelope.items("keys")))
        told = [
            {"key": key, "record": None, "in_flight": None} | ({"ended": over[run]} if run in over else {})
            for key, run in pairs
        ]
        return Envelope("lookup", {"results": told}).to_json()

    client = Client(store=MemoryStore(), executor=executor, control=Inline(site))
    free = client.submit(small, **ASK)
    bound = client.submit(small, limits=Limits(seconds=0.5), **ASK)
    until(lambda: len(executor.calls) == 2)
    items = [Envelope.from_json(text).items("tasks")[0] for _, text in executor.calls]
    (item,) = [item for item in items if item["limits"]["seconds"]]
    limits = {"seconds": 0.5, "memory_bytes": None, "device": "cpu"}
    over[item["run"]] = {"key": item["key"], "record": record_for(item, verdict="over_time", limits=limits).to_dict()}
    assert bound.result(5).verdict == "over_time"
    until(lambda: ends[-1] == 1)
    assert not free.done()
    over[next(one["run"] for one in items if one is not item)] = over[item["run"]]  # nor if a site says so
    asked = len(ends)
    until(lambda: len(ends) > asked + 3)
    assert not free.done()


def test_what_came_by_another_way_is_not_waited_for_any_more(client, site, executor):
    evaluation = client.submit(small, **ASK)
    reply = executor.call()[0]
    site.record = record_for(item_of(executor))
    evaluation.result(5)
    until(reply.cancelled)


def test_what_ended_with_an_error_that_the_site_tells_is_not_waited_for_any_more(client, site, executor):
    evaluation = client.submit(small, **ASK)
    reply = executor.call()[0]
    site.ended = {"key": executor.key(), "error": REFUSED}
    assert evaluation.exception(5)
    until(reply.cancelled)


def test_what_was_sent_again_is_not_waited_for_twice(client, site, executor):
    evaluation = client.submit(small, **ASK)
    first = executor.call()[0]
    site.in_flight = HELD
    until(lambda: site.asked > 3)
    site.in_flight = None
    until(lambda: len(executor.calls) == 2)
    until(first.cancelled)
    assert not evaluation.done()
