"""What somebody else trains is asked after in batches, until there is a record or nobody trains it any more."""

import threading

import pytest

from jitnas_fn import Client
from jitnas_fn.backends.local import local
from jitnas_fn.client import elsewhere, inquiry
from jitnas_fn.client.request import understood
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.flight import leases_of
from tests.client.fakes import Inline, record_for, reply
from tests.client.models import small

ASK = {"dataset": "digits", "recipe": "instant"}
HELD = {"site": "another", "since": "2026-01-01T00:00:00Z", "silent_seconds": 1.0}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(elsewhere, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(elsewhere, "MOST_SECONDS", 0.05)


class Site:
    """Trains nothing: each task is in flight elsewhere, until `records` has one for its key, or `held` is over."""

    def __init__(self):
        self.held, self.items, self.records, self.questions = True, {}, {}, []

    def __call__(self, text):
        envelope = Envelope.from_json(text)
        if envelope.verb == "lookup":
            self.questions.append(envelope.items("keys"))
            return Envelope("lookup", {"results": [self._known(key) for key in envelope.items("keys")]}).to_json()
        (item,) = envelope.items("tasks")
        self.items[item["key"]] = item
        if self.held:
            return reply([{"key": item["key"], "in_flight": HELD}])
        return reply([{"key": item["key"], "record": record_for(item).to_dict(), "source": "trained"}])

    def _known(self, key):
        record = self.records.get(key)
        return {"key": key, "record": record and record.to_dict(), "in_flight": HELD if self.held and not record else None}


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def client(site):
    return Client(store=MemoryStore(), executor=Inline(site))


def test_the_record_comes_when_it_is_there(client, site):
    evaluation = client.submit(small, **ASK)
    with pytest.raises(TimeoutError):
        evaluation.result(0.2)
    site.records[evaluation.key] = record_for(site.items[evaluation.key])
    assert evaluation.result(5).key == evaluation.key
    assert evaluation.source == "shared"
    assert client.store.get(evaluation.key) is not None


def test_when_nobody_trains_it_any_more_it_is_sent_again(client, site):
    evaluation = client.submit(small, **ASK)
    site.held = False
    assert evaluation.result(5).verdict == "trained"
    assert evaluation.source == "trained"


def test_many_are_asked_after_together(client, site, monkeypatch):
    monkeypatch.setattr(inquiry, "BATCH", 8)
    evaluations = client.map([small], **ASK, seeds=range(20))
    for evaluation in evaluations:
        site.records[evaluation.key] = record_for(site.items[evaluation.key])
    assert all(evaluation.result(5) for evaluation in evaluations)
    assert max(map(len, site.questions)) == 8
    assert len(site.questions) < 20


def test_an_answer_that_is_none_is_followed_by_the_next_question(client, site, monkeypatch):
    answers = iter(["no JSON", Envelope("lookup", {"results": [7]}).to_json(), ConnectionResetError("gone")])
    known = site._known

    def odd(key):
        answer = next(answers, None)
        if isinstance(answer, Exception):
            raise answer
        return known(key) if answer is None else answer

    evaluation = client.submit(small, **ASK)
    site.records[evaluation.key] = record_for(site.items[evaluation.key])
    monkeypatch.setattr(site, "_known", odd)
    assert evaluation.result(5).key == evaluation.key


def test_what_was_cancelled_is_asked_after_no_longer(client, site):
    evaluation = client.submit(small, **ASK)
    assert evaluation.cancel()
    client.submit(small, **ASK, seed=1)
    wait = threading.Event()
    wait.wait(0.2)
    assert evaluation.key not in site.questions[-1]


def test_a_key_that_another_site_holds_is_trained_once_its_lease_is_free(tmp_path):
    folder = tmp_path / "store"
    lease = leases_of(SegmentStore(folder), "another").claim(understood(small, **ASK).task.key)
    client = Client(store=MemoryStore(), executor=local(1, store=SegmentStore(folder)))
    evaluation = client.submit(small, **ASK)
    with pytest.raises(TimeoutError):
        evaluation.result(0.5)
    lease.release(done=False)
    assert evaluation.result(60).provenance["token"] == 2
