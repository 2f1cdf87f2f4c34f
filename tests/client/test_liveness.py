"""What was sent is looked after: an answer that is lost, or a worker, is noticed without a word from the executor."""

import pytest
import tenacity

from jitnas_fn import Client
from jitnas_fn.client import liveness, losses
from jitnas_fn.core.envelope import Envelope
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
        self.in_flight, self.record, self.asked = None, None, 0

    def __call__(self, text):
        envelope = Envelope.from_json(text)
        if envelope.verb != "lookup":
            return Envelope(
                envelope.verb, {"results": [{"key": key, "state": "unknown"} for key in envelope.items("keys")]}
            ).to_json()
        self.asked += 1
        record = self.record and self.record.to_dict()
        results = [{"key": key, "record": record, "in_flight": self.in_flight} for key in envelope.items("keys")]
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
    first[0].set_exception(ConnectionResetError("of the first, much later"))
    assert not evaluation.done()
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
