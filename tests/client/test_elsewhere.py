"""What somebody else trains is asked after in batches, until there is a record or nobody trains it any more."""

import threading
from concurrent.futures import Future

import pytest

from jitnas_fn import Client
from jitnas_fn.backends.local import local
from jitnas_fn.client import elsewhere, inquiry
from jitnas_fn.client.request import understood
from jitnas_fn.core import errors
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.flight import leases_of
from tests.client.fakes import Inline, record_for, reply
from tests.client.models import small
from tests.waiting import until

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


class Closing(Inline):
    """Takes nothing any more once it is closed, as an executor that was shut down."""

    closed = False

    def submit(self, function, text):
        if self.closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        return super().submit(function, text)


def test_when_the_executor_is_shut_down_what_is_trained_elsewhere_ends(site):
    executor = Closing(site)
    evaluations = Client(store=MemoryStore(), executor=executor).map([small], **ASK, seeds=range(3))
    executor.closed = True
    for evaluation in evaluations:
        with pytest.raises(errors.SiteUnavailable, match="takes no work"):
            evaluation.result(5)


class Silent(Inline):
    """Answers no look-up."""

    def __init__(self, answering):
        super().__init__(answering)
        self.owed = []

    def submit(self, function, text):
        if Envelope.from_json(text).verb != "lookup":
            return super().submit(function, text)
        self.owed.append(Future())
        return self.owed[-1]


def test_a_site_that_owes_an_answer_is_not_asked_again_until_that_counts_as_lost(site, monkeypatch):
    executor = Silent(site)
    Client(store=MemoryStore(), executor=executor).submit(small, **ASK)
    threading.Event().wait(0.5)
    assert len(executor.owed) == 1
    monkeypatch.setattr(inquiry, "PATIENCE_SECONDS", 0.1)
    until(lambda: len(executor.owed) == 3)
    assert executor.owed[0].cancelled()


def test_one_answer_that_makes_no_sense_does_not_keep_the_others(client, site, monkeypatch):
    evaluations = client.map([small], **ASK, seeds=range(5))
    for evaluation in evaluations:
        site.records[evaluation.key] = record_for(site.items[evaluation.key])
    known = site._known

    def odd(key):
        answer = known(key)
        return (
            answer if key != evaluations[2].key else {**answer, "record": {**answer["record"], "recipe": {"epochs": 10**400}}}
        )

    monkeypatch.setattr(site, "_known", odd)
    for evaluation in [*evaluations[:2], *evaluations[3:]]:
        assert evaluation.result(5).key == evaluation.key


def test_the_pauses_between_questions_grow(site, monkeypatch):
    monkeypatch.setattr(elsewhere, "MOST_SECONDS", 60.0)
    Client(store=MemoryStore(), executor=Inline(site)).submit(small, **ASK)
    threading.Event().wait(1.5)
    assert 3 <= len(site.questions) <= 11  # 0.02 s, and each 1.4 times the one before


def test_a_record_is_kept_before_its_evaluation_ends(client, site):
    kept = []
    evaluation = client.submit(small, **ASK)
    evaluation.add_done_callback(lambda one: kept.append(client.store.get(one.key) is not None))
    site.records[evaluation.key] = record_for(site.items[evaluation.key])
    until(lambda: kept)
    assert kept == [True]
