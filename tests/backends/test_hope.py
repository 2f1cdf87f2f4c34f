"""When Parsl's executor asks for a block, when it goes on with those it has, and when it ends all tasks."""

import logging
import os
import types
from concurrent.futures import Future

import pytest

pytest.importorskip("parsl")

from parsl.executors.errors import BadStateException
from parsl.jobs.states import JobState, JobStatus
from parsl.providers.base import ExecutionProvider

from jitnas_fn.backends import _executor
from jitnas_fn.backends._executor import FAILURES, REFUSED_SECONDS, BlockExecutor

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Parsl runs on POSIX")


class Jobs(ExecutionProvider):
    """A scheduler that takes so many jobs at once."""

    label, status_polling_interval = "jobs", 1

    def __init__(self, limit):
        self.limit, self.asked, self.resources, self.nodes_per_block = limit, 0, {}, 1

    def running(self):
        return [job for job, resource in self.resources.items() if not resource["status"].terminal]

    def submit(self, command, tasks_per_node, job_name="job"):
        self.asked += 1
        if len(self.running()) >= self.limit:
            raise OSError("QOSMaxSubmitJobPerUserLimit")
        self.resources[str(self.asked)] = {"status": JobStatus(JobState.RUNNING)}
        return str(self.asked)

    def status(self, job_ids):
        return [self.resources[job]["status"] for job in job_ids]

    def cancel(self, job_ids):
        for job in job_ids:
            self.resources[job] = {"status": JobStatus(JobState.CANCELLED)}
        return [True] * len(job_ids)

    def end(self, job, state=JobState.FAILED):
        self.resources[job]["status"] = JobStatus(state)


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(_executor, "time", clock)
    return clock


def executor_of(jobs, tasks=1):
    executor = BlockExecutor(label="test", provider=jobs, launch_cmd="pool {block_id}", address="127.0.0.1")
    executor.pools = []
    executor.command_client = types.SimpleNamespace(run=lambda command: list(executor.pools))
    executor.tasks.update({number: Future() for number in range(tasks)})
    return executor


def look(executor, blocks=0):
    """What Parsl does now and then: see how jobs are, judge it, and ask for so many more."""
    executor._status = executor.status()
    executor.handle_errors(executor.status_facade)
    if not executor.bad_state_is_set:
        executor.scale_out_facade(blocks)


def test_a_block_that_is_refused_beside_another_ends_nothing_and_is_told_once(clock, caplog):
    jobs = Jobs(limit=1)
    executor = executor_of(jobs)
    with caplog.at_level(logging.WARNING, "jitnas_fn.parsl"):
        for _ in range(200):
            look(executor, 1)
            clock.now += 2.0
    assert not executor.bad_state_is_set
    assert not executor.tasks[0].done()
    assert "QOSMaxSubmitJobPerUserLimit" in caplog.text
    assert len(caplog.records) == 1
    assert len(executor.status_facade) == 1


def test_a_scheduler_that_refuses_is_asked_once_a_minute(clock):
    jobs = Jobs(limit=2)
    executor = executor_of(jobs)
    look(executor, 50)
    assert (len(jobs.running()), jobs.asked) == (2, 3)
    for _ in range(20):
        look(executor, 48)
        clock.now += REFUSED_SECONDS / 20
    assert jobs.asked == 3
    jobs.limit = 10
    look(executor, 8)
    assert (len(jobs.running()), jobs.asked) == (10, 11)


def test_when_the_last_block_has_ended_one_is_asked_for_at_once_and_the_next_refusal_ends_all(clock):
    jobs = Jobs(limit=1)
    executor = executor_of(jobs)
    look(executor, 2)
    executor.pools = ["0"]
    jobs.end("1", JobState.COMPLETED)
    look(executor, 1)
    assert len(jobs.running()) == 1
    jobs.limit = 0
    jobs.end("3", JobState.COMPLETED)
    look(executor, 1)
    assert executor.bad_state_is_set
    assert "QOSMaxSubmitJobPerUserLimit" in str(executor.tasks[0].exception(0).reason)


def test_blocks_that_have_worked_may_fail_as_often_as_they_like():
    jobs = Jobs(limit=1)
    executor = executor_of(jobs)
    for number in range(3 * FAILURES):
        look(executor, 1)
        executor.pools.append(str(number))
        jobs.end(jobs.running()[0])
        look(executor)
    assert not executor.bad_state_is_set


def test_three_blocks_after_another_that_end_before_they_work_end_all():
    jobs = Jobs(limit=1)
    executor = executor_of(jobs, tasks=3)
    for number in range(FAILURES):
        assert not executor.bad_state_is_set
        look(executor, 1)
        jobs.end(jobs.running()[0], JobState.COMPLETED if number else JobState.FAILED)
        look(executor)
    assert executor.bad_state_is_set
    assert [type(task.exception(0)) for task in executor.tasks.values()] == [BadStateException] * 3


def test_blocks_that_fail_beside_one_that_works_end_nothing_and_no_more_are_asked_for_until_one_works():
    jobs = Jobs(limit=4)
    executor = executor_of(jobs)
    look(executor, 4)
    executor.pools = ["0"]
    for job in ("2", "3", "4"):
        jobs.end(job)
    look(executor, 3)
    assert not executor.bad_state_is_set
    assert jobs.running() == ["1"]
    jobs.end("1", JobState.COMPLETED)
    look(executor, 2)
    assert len(jobs.running()) == 2


def test_a_block_that_is_given_back_is_no_failure():
    jobs = Jobs(limit=1)
    executor = executor_of(jobs)
    executor.connected_managers = list
    for _ in range(2 * FAILURES):
        look(executor, 1)
        executor.scale_in_facade(1)
        look(executor)
    assert not executor.bad_state_is_set


def test_all_tasks_end_though_an_answer_comes_in_while_they_are_ended():
    executor = executor_of(Jobs(limit=1), tasks=50)
    tasks = list(executor.tasks.values())
    answered = executor.tasks[7]

    def answer(_):
        executor.tasks.pop(7)
        answered.set_result(None)

    tasks[0].add_done_callback(answer)
    executor.set_bad_state_and_fail_all(OSError("the scheduler is gone"))
    assert all(task.done() for task in tasks)


def test_a_task_that_was_on_its_way_when_all_were_ended_ends_at_the_next_look():
    executor = executor_of(Jobs(limit=1))
    executor.set_bad_state_and_fail_all(OSError("the scheduler is gone"))
    late = executor.tasks[1] = Future()
    look(executor)
    assert isinstance(late.exception(0), BadStateException)


def test_what_is_left_of_the_jobs_is_cancelled():
    jobs = Jobs(limit=3)
    executor = executor_of(jobs)
    look(executor, 3)
    jobs.end("2")
    executor.give_back()
    states = [resource["status"].state.name for resource in jobs.resources.values()]
    assert states == ["CANCELLED", "FAILED", "CANCELLED"]
