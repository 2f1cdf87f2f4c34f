"""What is to be done later is done, in order, and no thread outlives it."""

import gc
import logging
import threading
import weakref

import pytest

from jitnas_fn import Client
from jitnas_fn.client import liveness
from jitnas_fn.core.later import SLACK, Later
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, reply
from tests.client.models import small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}


@pytest.fixture
def later():
    return Later("jitnas-test")


def is_over(later):
    return later._thread is None


def test_things_are_done_in_the_order_of_their_times(later):
    done = []
    for seconds in (0.3, 0.1, 0.2, 0.0):
        later.call(lambda seconds=seconds: done.append(seconds), seconds)
    until(lambda: len(done) == 4)
    assert done == [0.0, 0.1, 0.2, 0.3]


def test_what_is_due_earlier_wakes_the_thread(later):
    done = []
    later.call(lambda: done.append("late"), 60)
    later.call(lambda: done.append("soon"), 0.05)
    until(lambda: done, seconds=5)
    assert done == ["soon"]


def test_what_is_forgotten_is_not_done_and_not_kept(later):
    class Work:
        def __call__(self):
            raise AssertionError

    work = Work()
    seen, number = weakref.ref(work), later.call(work, 0.2)
    later.forget(number)
    later.forget(number)
    del work
    gc.collect()
    assert seen() is None
    until(lambda: is_over(later))


def test_a_queue_of_forgotten_things_does_not_grow(later):
    later.call(lambda: None, 60)
    for _ in range(20 * SLACK):
        later.forget(later.call(lambda: None, 60))
    assert len(later._queue) <= 2 + SLACK + 1


@pytest.mark.parametrize("error", [ValueError("?"), SystemExit(3)])
def test_what_fails_stops_nothing_else(later, error, caplog):
    def fail():
        raise error

    done = []
    with caplog.at_level(logging.ERROR, "jitnas_fn"):
        later.call(fail)
        later.call(lambda: done.append(1))
        until(lambda: done)
    assert "failed" in caplog.text


def test_the_thread_ends_with_what_is_due_and_comes_again(later):
    for _ in range(3):
        done = threading.Event()
        later.call(done.set)
        assert done.wait(5)
        until(lambda: is_over(later))


def test_clients_that_are_not_used_any_more_leave_nothing(monkeypatch):
    monkeypatch.setattr(liveness, "CHECK_SECONDS", 0.05)
    before = threading.active_count()
    seen = []
    for control in [None, Inline(lambda text: reply([]))] * 5:
        with Client(store=MemoryStore(), executor=Inline(), control=control) as client:
            assert client.evaluate(small, **ASK).verdict == "trained"
        seen += [weakref.ref(client.store), weakref.ref(client._flights)]
        del client
    until(lambda: threading.active_count() <= before)
    gc.collect()
    assert [one() for one in seen] == [None] * len(seen)


def test_what_is_under_way_keeps_its_client():
    executor = Held()
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **ASK)
    gc.collect()
    executor.answer()
    assert evaluation.result(5).verdict == "trained"
