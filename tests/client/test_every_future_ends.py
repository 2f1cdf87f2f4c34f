"""Whatever the executor does, an evaluation ends: with its record or with an error of a known class."""

import dataclasses
import threading
import time
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
import tenacity

from jitnas_fn import Client, JitnasError
from jitnas_fn.client import losses
from jitnas_fn.core import errors
from jitnas_fn.core.envelope import Envelope, error_fields
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import FullStore, Held, Inline, Odd, failing, record_for, reply, trained
from tests.client.models import Wider, small

ASK = {"dataset": "digits", "recipe": "instant"}


def other_key(text):
    (item,) = Envelope.from_json(text).items("tasks")
    item["parts"]["seed"] += 1
    return reply([{"key": item["key"], "record": record_for(item).to_dict()}])


def changed_record(text):
    envelope = Envelope.from_json(trained(text))
    envelope.body["results"][0]["record"]["metrics"]["validation"]["accuracy"] = 1.0
    return envelope.to_json()


def lying(**fields):
    """The right key, and a description that is not what was asked for."""

    def answer(text):
        (item,) = Envelope.from_json(text).items("tasks")
        made = record_for(item)
        made = dataclasses.replace(made, **{name: {**getattr(made, name), **lie} for name, lie in fields.items()})
        return reply([{"key": item["key"], "record": made.sealed().to_dict()}])

    return answer


def refusing(text):
    (item,) = Envelope.from_json(text).items("tasks")
    return reply([{"key": item["key"], "error": error_fields(errors.NotAllowed("only graph here"))}])


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        (lambda text: None, errors.EnvelopeError),
        (lambda text: "not JSON", errors.EnvelopeError),
        (lambda text: reply([]), errors.EnvelopeError),
        (lambda text: reply([1]), errors.EnvelopeError),
        (lambda text: reply([{"key": "0" * 64}]), errors.EnvelopeError),
        (lambda text: reply([{"key": Envelope.from_json(text).items("tasks")[0]["key"]}]), errors.EnvelopeError),
        (lambda text: Envelope("train", {}, error_fields(errors.SiteUnavailable("closed"))).to_json(), errors.SiteUnavailable),
        (lambda text: Envelope("train", {}, {"type": "FromTheFuture", "message": "?"}).to_json(), JitnasError),
        (refusing, errors.NotAllowed),
        (other_key, errors.RecordError),
        (changed_record, errors.RecordError),
        (lying(recipe={"epochs": 7}), errors.RecordError),
        (lying(recipe={"epochs": "many"}), (errors.RecipeError, errors.RecordError)),
        (lying(dataset={"name": "imagenet"}), errors.RecordError),
        (failing(BrokenProcessPool("gone")), errors.WorkerLost),
        (failing(ConnectionResetError("gone")), errors.SiteUnavailable),
        (failing(ZeroDivisionError("?")), JitnasError),
        (failing(errors.WalltimeExceeded("over")), errors.WalltimeExceeded),
    ],
)
def test_a_wrong_answer_is_a_typed_error_and_keeps_nothing(answering, expected, monkeypatch):
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_none())
    store = MemoryStore()
    client = Client(store=store, executor=Inline(answering))
    evaluation = client.submit(small, **ASK)
    assert type(evaluation.exception(10)) in (expected if isinstance(expected, tuple) else (expected,))
    assert len(store) == 0
    assert evaluation.status().state == "failed"
    client._flights._dispatch.executor = Inline()
    assert client.evaluate(small, **ASK).verdict == "trained"


def test_an_executor_that_takes_no_work_ends_the_evaluation():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    client = Client(store=MemoryStore(), executor=executor)
    with pytest.raises(errors.SiteUnavailable, match="takes no work"):
        client.evaluate(small, **ASK)


@pytest.mark.parametrize("odd", [None, "job 17", object()])
def test_an_executor_that_answers_with_no_future_ends_the_evaluation(odd):
    evaluation = Client(store=MemoryStore(), executor=Odd(odd)).submit(small, **ASK)
    with pytest.raises(errors.SiteUnavailable, match="with a concurrent.futures.Future, not"):
        evaluation.result(1)


class Deaf(Future):
    """Takes no callbacks."""

    def add_done_callback(self, function):
        raise NotImplementedError


def test_a_future_that_takes_no_callbacks_ends_the_evaluation():
    deaf = Deaf()
    evaluation = Client(store=MemoryStore(), executor=Odd(deaf)).submit(small, **ASK)
    with pytest.raises(errors.SiteUnavailable, match="NotImplementedError"):
        evaluation.result(1)
    assert deaf.cancelled()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("control", [None, Inline(failing(OSError("away")))])
def test_an_interrupted_submit_leaves_nothing_open(interruption, control):
    class Interrupted(Held):
        def submit(self, function, text):
            raise interruption

    client = Client(store=MemoryStore(), executor=Interrupted(), control=control)
    if control is None:
        with pytest.raises(interruption):
            client.submit(small, **ASK)
    else:  # the site is asked first, and it is another thread that goes on
        with pytest.raises(errors.SiteUnavailable, match=interruption.__name__):
            client.submit(small, **ASK).result(5)
    client.close()
    client._flights._dispatch.executor = Inline()
    assert client.submit(small, **ASK).result(1).verdict == "trained"


def test_an_executor_that_is_shut_down_ends_what_is_queued():
    blocker, executor = threading.Event(), ThreadPoolExecutor(1)
    executor.submit(blocker.wait)
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **ASK)
    executor.shutdown(wait=False, cancel_futures=True)
    blocker.set()
    with pytest.raises(errors.WorkerLost, match="shut down"):
        evaluation.result(5)


def test_a_deadline_ends_what_never_comes_and_a_late_record_is_kept_all_the_same():
    executor, store = Held(), MemoryStore()
    client = Client(store=store, executor=executor, deadline_seconds=0.1)
    slow, queued = client.submit(small, **ASK), client.submit(Wider, **ASK)
    executor.begin(0)
    for evaluation in (slow, queued):
        with pytest.raises(errors.DeadlineExceeded, match=r"within 0\.1 s"):
            evaluation.result(5)
    assert executor.calls[1][0].cancelled()
    executor.answer(0)
    assert client.submit(small, **ASK).source == "cache"


def test_a_deadline_does_not_touch_what_is_done():
    client = Client(store=MemoryStore(), executor=Inline(), deadline_seconds=0.05)
    evaluation = client.submit(small, **ASK)
    time.sleep(0.1)
    assert evaluation.result().verdict == "trained"


def test_what_is_queued_can_be_cancelled_and_asked_for_again():
    executor = Held()
    client = Client(store=MemoryStore(), executor=executor)
    evaluation = client.submit(small, **ASK)
    assert evaluation.status().state == "queued"
    assert evaluation.cancel()
    assert evaluation.cancel()
    assert evaluation.status().state == "cancelled"
    for kind in (errors.Cancelled, CancelledError):
        with pytest.raises(kind):
            evaluation.result()
    assert executor.calls[0][0].cancelled()
    again = client.submit(small, **ASK)
    assert again is not evaluation
    executor.answer(1)
    assert again.result(1)


def test_what_runs_where_no_control_path_leads_cannot_be_cancelled():
    executor = Held()
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **ASK)
    executor.begin()
    assert not evaluation.cancel()
    assert evaluation.running()
    assert evaluation.status().state == "training"
    executor.answer()
    assert evaluation.result(1)
    assert not evaluation.cancel()


def test_a_full_disk_loses_no_result():
    executor = Held()
    evaluation = Client(store=FullStore(), executor=executor).submit(small, **ASK)
    with pytest.warns(RuntimeWarning, match="could not be kept: no space left"):
        executor.answer()
    assert evaluation.result(1).verdict == "trained"


def killed(text):
    import os

    os._exit(9)


class Killing(ProcessPoolExecutor):
    def submit(self, function, text):
        return super().submit(killed, text)


def test_a_killed_pool_is_a_typed_error_and_the_client_lives():
    store = MemoryStore()
    with Killing(1) as pool:
        client = Client(store=store, executor=pool)
        with pytest.raises(errors.WorkerLost) as lost:
            client.evaluate(small, **ASK)
        assert lost.value.retryable
        with pytest.raises(errors.WorkerLost):  # the pool is broken for good
            client.evaluate(small, **ASK)
    assert Client(store=store, executor=Inline()).evaluate(small, **ASK)
