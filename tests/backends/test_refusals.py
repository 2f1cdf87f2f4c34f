"""A scheduler that refuses jobs: what is trained goes on, and whoever asks for more, from wherever, gets an answer."""

import logging
import os
import threading
import time

import pytest

from jitnas_fn import Client, Recipe
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.core import errors
from jitnas_fn.stores.memory import MemoryStore
from tests.backends.scheduler import Scheduler, gone
from tests.client.models import small

pytest.importorskip("parsl")
pytestmark = [  # Parsl leaves sockets to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(os.name != "posix", reason="Parsl runs on POSIX"),
]
SITE = """
name = "this machine"
folder = "worker"
store = "store"
[blocks]
gpus = 0
most = 3
walltime = "01:00:00"
idle_seconds = 60
heartbeat_seconds = 3
look_seconds = 1
address = "127.0.0.1"
"""
LONGER = Recipe(name="longer", epochs=60, batch_size=32, learning_rate=0.02)


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


@pytest.fixture
def scheduler(tmp_path, monkeypatch):
    return Scheduler(tmp_path / "slurm", monkeypatch, limit=1)


@pytest.mark.slow
def test_what_trains_goes_on_when_another_job_is_refused_and_the_rest_follows_it(site, scheduler, caplog):
    executor = parsl(site)
    client = Client(store=MemoryStore(), executor=executor)
    with caplog.at_level(logging.WARNING, "jitnas_fn.parsl"):
        evaluations = client.map([small], dataset="digits", recipe=LONGER, seeds=range(3))
        assert [one.result(60).verdict for one in evaluations] == ["trained"] * 3
    assert len(scheduler.jobs()) == 1
    assert scheduler.asked() <= 3
    (told,) = [one.getMessage() for one in caplog.records if one.name == "jitnas_fn.parsl"]
    assert "QOSMaxSubmitJobPerUserLimit" in told
    executor.shutdown()
    assert scheduler.cancelled() == scheduler.jobs()
    assert gone(site)


def test_jobs_are_given_back_after_all_tasks_were_ended(site, scheduler):
    executor = parsl(site)
    executor.submit(print).result(60)
    executor._kernel._executor.set_bad_state_and_fail_all(OSError("the interchange is gone"))
    executor.shutdown()
    assert scheduler.cancelled() == ["1001"]
    assert gone(site)


@pytest.mark.slow
def test_whoever_asks_again_in_a_callback_of_what_was_refused_gets_an_answer_and_the_executor_lives_on(site, scheduler, caplog):
    scheduler.allow(0)
    executor, later, asked = parsl(site), [], threading.Event()

    def ask_again(_):
        later.append(executor.submit(print))
        asked.set()

    executor.submit(print).add_done_callback(ask_again)
    assert asked.wait(30)
    assert isinstance(later[0].exception(30), errors.SiteUnavailable)
    assert isinstance(executor.submit(print).exception(30), errors.SiteUnavailable)
    scheduler.allow(1)
    time.sleep(0.1)
    assert executor.submit(print).result(60) is None
    executor.shutdown()
    assert gone(site)
    assert "did not end as it should" not in caplog.text


def test_a_callback_and_another_thread_may_ask_again_at_the_same_time(site, scheduler):
    scheduler.allow(0)
    executor, later, begun, asks = parsl(site), [], threading.Event(), threading.Event()

    def ask_again(_):
        begun.set()
        asks.wait(30)
        time.sleep(0.5)  # the other thread is in the middle of it
        later.append(executor.submit(print))

    first = executor.submit(print)
    first.add_done_callback(ask_again)
    assert begun.wait(30)
    asks.set()
    assert isinstance(executor.submit(print).exception(30), errors.SiteUnavailable)
    assert isinstance(later[0].exception(30), errors.SiteUnavailable)
    executor.shutdown()


def test_a_callback_may_shut_the_executor_down(site, scheduler, caplog):
    executor, done = parsl(site), threading.Event()

    def shut_down(_):
        executor.shutdown()
        done.set()

    executor.submit(print).add_done_callback(shut_down)
    assert done.wait(60)
    assert gone(site)
    assert scheduler.cancelled() == ["1001"]
    assert "did not end as it should" not in caplog.text
