"""What ends early has its work stopped, and whoever does that may fail or be silent: no other future waits for it."""

import time
from concurrent.futures import Future, wait

import pytest

from jitnas_fn import Client
from jitnas_fn.core import errors
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, reply
from tests.client.models import small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}


class Uncancellable(Held):
    """As Parsl's own executor: its futures cannot be cancelled, and say so by an error."""

    class Reply(Future):
        def cancel(self):
            raise NotImplementedError("Cancel not implemented")

    def submit(self, function, text):
        future = self.Reply()
        self.calls.append((future, text))
        return future


class Site(Inline):
    """Knows no record, and notes what it is asked to cancel, message by message."""

    def __init__(self):
        super().__init__(self._answer)
        self.cancelled = []

    def _answer(self, text):
        envelope = Envelope.from_json(text)
        if envelope.verb == "cancel":
            self.cancelled.append(envelope.body["runs"])
        state = {"record": None, "state": "cancelling"}
        return Envelope(envelope.verb, {"results": [{"key": key, **state} for key in envelope.items("keys")]}).to_json()


class Silent(Site):
    """Answers look-ups, and nothing else."""

    def submit(self, function, text):
        return Future() if Envelope.from_json(text).verb == "cancel" else super().submit(function, text)


def runs_of(executor):
    return [Envelope.from_json(text).items("tasks")[0]["run"] for _, text in executor.calls]


def test_a_future_that_cannot_be_cancelled_holds_up_no_deadline():
    client = Client(store=MemoryStore(), executor=Uncancellable(), deadline_seconds=0.1)
    for seed in range(2):
        with pytest.raises(errors.DeadlineExceeded):
            client.submit(small, **ASK, seed=seed).result(5)


def test_nor_does_it_keep_an_evaluation_from_being_cancelled():
    client = Client(store=MemoryStore(), executor=Uncancellable())
    first, second = client.map([small], **ASK, seeds=range(2))
    assert first.cancel()
    client.stop()
    assert second.cancelled()


def test_a_silent_site_holds_up_no_deadline():
    executor = Held()
    client = Client(store=MemoryStore(), executor=executor, control=Silent(), deadline_seconds=4)
    evaluations = client.map([small], **ASK, seeds=range(5))
    for number in range(5):
        executor.begin(number)
    began = time.monotonic()
    assert not wait(evaluations, timeout=30).not_done
    assert time.monotonic() - began < 12  # 20 s for each, one after another, would be 100
    assert {type(evaluation.exception()) for evaluation in evaluations} == {errors.DeadlineExceeded}


def test_what_is_past_its_deadline_is_stopped_at_the_site():
    executor, site = Held(), Site()
    client = Client(store=MemoryStore(), executor=executor, control=site, deadline_seconds=3)
    client.submit(small, **ASK)
    executor.begin()
    until(lambda: site.cancelled)
    assert site.cancelled == [runs_of(executor)]


def test_to_stop_many_takes_one_message():
    executor, site = Held(), Site()
    client = Client(store=MemoryStore(), executor=executor, control=site)
    evaluations = client.map([small], **ASK, seeds=range(20))
    for number in range(20):
        executor.begin(number)
    client.stop()
    assert all(evaluation.cancelled() for evaluation in evaluations)
    assert site.cancelled == [runs_of(executor)]


def test_what_only_waits_here_is_withdrawn_without_a_word():
    executor, site = Held(), Site()
    client = Client(store=MemoryStore(), executor=executor, control=site)
    evaluation = client.submit(small, **ASK)
    executor.call()
    assert evaluation.cancel()
    assert executor.calls[0][0].cancelled()
    assert site.cancelled == []


def test_an_orphan_of_ones_own_is_stopped_too():
    executor, site = Held(), Site()
    client = Client(store=MemoryStore(), executor=executor, control=site)
    evaluation = client.submit(small, **ASK)
    executor.begin()
    held = {"site": "here", "since": "2026-01-01T00:00:00Z", "silent_seconds": 1.0}
    executor.answer(text=reply([{"key": executor.key(), "in_flight": held}]))  # by its earlier self, which lives on
    assert evaluation.cancel()
    assert site.cancelled == [runs_of(executor)]


def test_what_begins_after_its_evaluation_ended_is_stopped():
    site = Site()

    class Late(Held):
        def submit(self, function, text):
            client.stop()
            future = super().submit(function, text)
            future.set_running_or_notify_cancel()
            return future

    executor = Late()
    client = Client(store=MemoryStore(), executor=executor, control=site)
    evaluation = client.submit(small, **ASK)
    until(lambda: site.cancelled)
    assert site.cancelled == [runs_of(executor)]
    assert evaluation.cancelled()
