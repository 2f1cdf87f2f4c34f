import os
import sys
import threading
import time
from datetime import datetime

import pytest

from jitnas_fn.worker import slurm
from jitnas_fn.worker.slurm import job_id, seconds_left
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for squeue is a shell script")


@pytest.fixture
def job(monkeypatch, squeue):
    """A job with a squeue that answers what `job(text)` says."""
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setattr(slurm, "_one", [])
    return squeue


def _local(end):
    return datetime.fromtimestamp(end).isoformat(timespec="seconds")  # noqa: DTZ006  as squeue writes it


def test_outside_a_job_there_is_no_end():
    assert job_id() is None
    assert seconds_left() is None


@pytest.mark.parametrize("number", ["", "abc", "1; rm -rf /", "-1", "1\n", "1" * 40])
def test_what_is_no_number_is_no_job(monkeypatch, number):
    monkeypatch.setenv("SLURM_JOB_ID", number)
    assert job_id() is None
    assert seconds_left() is None


def test_squeue_tells_the_end(job):
    job.says(_local(time.time() + 100))
    assert job_id() == "4711"
    assert seconds_left() == pytest.approx(100, abs=2)
    assert job.calls() == ["--noheader --jobs 4711 --format %e %V %S"]


def test_its_answer_counts_more_than_the_environment(job, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time() + 5)))
    job.says(_local(time.time() + 500))
    assert seconds_left() == pytest.approx(500, abs=2)


def test_a_job_of_an_array_is_asked_for_by_its_task(job, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "4700")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    job.says(_local(time.time() + 100))
    assert seconds_left() == pytest.approx(100, abs=2)
    assert job.calls() == ["--noheader --jobs 4700_3 --format %e %V %S"]


@pytest.mark.parametrize("word", ["NONE", "N/A", "Unknown"])
def test_a_job_without_an_end_has_none_whatever_the_environment_says(job, monkeypatch, word):
    monkeypatch.setenv("SLURM_JOB_END_TIME", "1")
    job.says(word)
    assert seconds_left() is None


@pytest.mark.parametrize("said", ["", "soon", "slurm_load_jobs error: Unable to contact slurm controller", "99999-99-99"])
def test_without_an_answer_the_environment_counts(job, monkeypatch, said):
    job.says(said)
    assert seconds_left() is None
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time() + 60)))
    assert seconds_left() == pytest.approx(60, abs=2)


def test_so_it_does_if_squeue_fails_or_is_missing(job, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time() + 60)))
    job.fails()
    assert seconds_left() == pytest.approx(60, abs=2)
    slurm._one.clear()
    monkeypatch.setenv("PATH", "/nowhere")
    assert seconds_left() == pytest.approx(60, abs=2)


def test_a_squeue_that_hangs_delays_the_first_question_alone(job, monkeypatch):
    monkeypatch.setattr(slurm, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time() + 60)))
    job.hangs()
    began = time.monotonic()
    assert seconds_left() == pytest.approx(60, abs=2)
    assert time.monotonic() - began < 2
    monkeypatch.setattr(slurm, "ASK_SECONDS", 0.0)
    for _ in range(100):
        seconds_left()
    assert time.monotonic() - began < 2.5


def test_a_question_that_never_ends_is_waited_for_once(job, monkeypatch):
    monkeypatch.setattr(slurm, "PATIENCE_SECONDS", 0.1)
    ended = threading.Event()  # of a program that not even SIGKILL ends
    monkeypatch.setattr(slurm, "_asked_squeue", lambda job: (ended.wait(60), None))
    began = time.monotonic()
    assert [seconds_left(), seconds_left(), seconds_left()] == [None] * 3
    assert time.monotonic() - began < 1.1
    ended.set()


def test_squeue_is_asked_seldom_and_a_new_end_is_seen(job, monkeypatch):
    job.says(_local(time.time() + 100))
    for _ in range(1_000):
        assert seconds_left() > 90
    assert len(job.calls()) == 1
    job.says(_local(time.time() + 1_000))
    monkeypatch.setattr(slurm, "ASK_SECONDS", 0.1)
    until(lambda: seconds_left() > 900)
    job.fails()  # what was told last holds
    time.sleep(0.5)
    assert seconds_left() > 900


def test_a_users_own_filters_do_not_hide_the_job(job, monkeypatch):
    monkeypatch.setenv("SQUEUE_STATES", "PD")
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    job.says('$(test -z "$SQUEUE_STATES" -a "$SLURM_TIME_FORMAT" = standard && echo NONE || echo bad)')
    monkeypatch.setenv("SLURM_JOB_END_TIME", "1")
    assert seconds_left() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_process_that_was_forked_asks_for_itself(job, monkeypatch):
    job.says(_local(time.time() + 100))
    assert seconds_left() > 90
    slurm._one[0].asking = True  # as if it had been forked in the middle
    pid = os.fork()
    if pid == 0:
        job.says(_local(time.time() + 1_000))
        os._exit(0 if seconds_left() > 900 else 1)
    assert os.waitpid(pid, 0)[1] == 0
