"""Whatever is killed, nothing is lost and no future hangs: a training goes on from its last epoch, to the very same curves."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.site.needs import has_cgroups
from tests.site.processes import parent_of
from tests.site.training.models import LONG, LONGER, STEADY, assert_as_undisturbed, at_epoch, deep, only, small

ROOT = Path(__file__).resolve().parents[3]
BLOCK, POOL = "jitnas_fn.worker.block", "jitnas_fn.worker.pool"
CHILD = "jitnas_fn.worker.child"
PATIENCE = 240  # a dead holder's lease is taken over within three minutes
DEAD = 200  # for certain [s]


@pytest.fixture
def evaluation(here):
    """One training that takes a while, some epochs on its way."""
    found = here.client(most=2).submit(deep, **STEADY)
    at_epoch(found, 3)
    return found


def assert_goes_on(here, evaluation, told, *, ask=STEADY, model=deep):
    """No epoch that was told of is trained again: the one under way at most. The curves are as if nothing had happened."""
    last, after = here.resumed(evaluation, PATIENCE, told=told)
    assert after >= last >= 3
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2, ask=ask, model=model)
    assert len(here.store) == 1


def test_the_child_is_killed(here, evaluation):
    told = at_epoch(evaluation, 3)
    here.kill(only(here.pids(CHILD)))
    assert_goes_on(here, evaluation, told)
    assert len(here.jobs()) == 1


def test_where_epochs_are_short_one_second_of_them_is_trained_again_at_most(here):
    evaluation = here.client(most=1, site={"checkpoint_seconds": None}).submit(small, **LONG)
    first, began = at_epoch(evaluation, 5), time.monotonic()
    told = at_epoch(evaluation, first + 50)
    seconds = (time.monotonic() - began) / (told - first)
    here.kill(only(here.pids(CHILD)))
    last, after = here.resumed(evaluation, PATIENCE, told=told)
    assert (last - after) * seconds < 1.5
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


def test_the_job_is_requeued(here, evaluation):
    told, job = at_epoch(evaluation, 3), only(here.running())
    here.cluster.requeue(job)
    assert_goes_on(here, evaluation, told)
    assert here.jobs() == [job]


def test_the_job_is_cancelled(here, evaluation):
    told = at_epoch(evaluation, 3)
    here.cluster.cancel(only(here.running()))
    assert_goes_on(here, evaluation, told)
    assert len(here.jobs()) == 2


@pytest.mark.slow
def test_the_worker_is_killed(here, evaluation):
    told = at_epoch(evaluation, 3)
    here.kill(parent_of(only(here.pids(CHILD))))
    here.as_if_waited(DEAD)
    assert_goes_on(here, evaluation, told)
    assert len(here.jobs()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("module", [POOL, BLOCK], ids=["manager", "block"])
def test_one_process_of_the_block_is_killed_alone(here, evaluation, module):
    told, job = at_epoch(evaluation, 3), only(here.running())
    here.kill(only(here.pids(module)))
    if not has_cgroups():  # Slurm does not find what is left, which trains on
        record = evaluation.result(PATIENCE)
        assert_as_undisturbed(record, attempts=record.cost["attempts"], ask=STEADY, model=deep)
        assert len(here.store) == 1
        return
    here.cluster.wait_until(lambda: not here.pids(job=job), 30)
    here.as_if_waited(DEAD)
    assert_goes_on(here, evaluation, told)
    assert len(here.jobs()) == 2


@pytest.mark.slow
def test_the_time_of_the_job_is_cut(here):
    evaluation = here.client(most=1).submit(small, **LONGER)
    told = at_epoch(evaluation, 10)
    here.cluster.end_in(only(here.running()), 20)  # squeue is asked every 15 s
    assert_goes_on(here, evaluation, told, ask=LONGER, model=small)
    assert len(here.jobs()) == 2


@pytest.mark.slow
def test_a_job_of_a_higher_partition_takes_its_node(here):
    evaluation = here.client(partition="scavenge", most=1, gpus=4).submit(deep, **STEADY)
    told = at_epoch(evaluation, 3)
    jobs = [here.cluster.submit("sleep 15", "--gres=gpu:4", "--partition=gpu") for _ in range(2)]
    for job in jobs:
        here.cluster.wait_for(job, "RUNNING", "COMPLETED")
    assert_goes_on(here, evaluation, told)


@pytest.mark.slow
def test_a_node_dies_and_its_lease_is_taken_over_in_its_time(here, evaluation):
    told, began = at_epoch(evaluation, 3), time.monotonic()
    here.cluster.crash(here.cluster.job(only(here.running()))["NodeList"])
    assert_goes_on(here, evaluation, told)
    assert time.monotonic() - began > 60


def test_slurmd_alone_is_killed_and_nothing_happens(here, evaluation):
    node = here.cluster.job(only(here.running()))["NodeList"]
    here.cluster.kill_slurmd_alone(node)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=1, ask=STEADY, model=deep)
    here.cluster.boot(node)


CLIENT = """
import sys
from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.training.models import LONGER, at_epoch, small
evaluation = Client(store=MemoryStore(), executor=parsl(sys.argv[1])).submit(small, **LONGER)
print(at_epoch(evaluation, 3), flush=True)
evaluation.result()
"""


@pytest.mark.slow
def test_the_client_is_killed_and_asks_again(here):
    first = subprocess.Popen([sys.executable, "-c", CLIENT, here.file(most=1)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    told = int(first.stdout.readline())
    first.kill()
    first.wait()
    first.stdout.close()
    again = here.client(most=1).submit(small, **LONGER)
    assert_goes_on(here, again, told, ask=LONGER, model=small)
    here.cluster.wait_until(lambda: not here.cluster.squeue(), 120)  # nobody's blocks are left
