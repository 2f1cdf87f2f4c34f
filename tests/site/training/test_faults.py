"""Whatever is killed, nothing is lost and no future hangs: a training goes on from its last epoch, to the very same curves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.site.training.models import LONG, LONGER, assert_as_undisturbed, at_epoch, small

ROOT = Path(__file__).resolve().parents[3]
CHILD, MANAGER = "jitnas_fn.worker.child", "high_throughput.process_worker_pool"
PATIENCE = 240  # a dead holder's lease is taken over within three minutes


@pytest.fixture
def evaluation(here):
    """One training that takes a while, some epochs on its way."""
    found = here.client(most=2).submit(small, **LONG)
    at_epoch(found, 10)
    return found


def kill(here, words, number=signal.SIGKILL):
    pids = here.pids(words)
    assert pids
    for pid in pids:
        os.kill(pid, number)


def test_the_child_is_killed(here, evaluation):
    kill(here, CHILD)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


def test_the_job_is_requeued(here, evaluation):
    (job,) = here.running()
    here.cluster.requeue(job)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)
    assert len(here.store) == 1


def test_the_job_is_cancelled(here, evaluation):
    (job,) = here.running()
    here.cluster.cancel(job)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)
    assert len(here.jobs()) == 2


@pytest.mark.slow
def test_the_worker_is_killed(here, evaluation):
    (child,) = here.pids(CHILD)
    os.kill(int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)  # its parent
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


@pytest.mark.slow
def test_the_manager_is_killed(here, evaluation):
    kill(here, MANAGER)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


@pytest.mark.slow
def test_the_time_of_the_job_is_cut(here):
    evaluation = here.client(most=1).submit(small, **LONGER)
    at_epoch(evaluation, 10)
    (job,) = here.running()
    here.cluster.end_in(job, 20)  # squeue is asked every 15 s
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2, ask=LONGER)


@pytest.mark.slow
def test_a_job_of_a_higher_partition_takes_its_node(here):
    evaluation = here.client(partition="scavenge", most=1, gpus=4).submit(small, **LONG)
    at_epoch(evaluation, 10)
    jobs = [here.cluster.submit("sleep 15", "--gres=gpu:4", "--partition=gpu") for _ in range(2)]
    for job in jobs:
        here.cluster.wait_for(job, "RUNNING", "COMPLETED")
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


@pytest.mark.slow
def test_a_node_goes_down_and_its_orphan_lives_on(here, evaluation):
    (job,) = here.running()
    node = here.cluster.job(job)["NodeList"]
    here.cluster.kill_slurmd(node)
    record = evaluation.result(PATIENCE)
    assert record.curves
    assert here.store.get(record.key).provenance["token"] == max(
        one.provenance["token"] for one in here.store.replicates(record.key)
    )


@pytest.mark.slow
def test_a_node_dies(here, evaluation):
    (job,) = here.running()
    here.cluster.crash(here.cluster.job(job)["NodeList"])
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


def test_slurmd_alone_is_killed_and_nothing_happens(here, evaluation):
    (job,) = here.running()
    node = here.cluster.job(job)["NodeList"]
    here.cluster.kill_slurmd_alone(node)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=1)
    here.cluster.boot(node)


CLIENT = """
import sys
from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.training.models import LONG, at_epoch, small
evaluation = Client(store=MemoryStore(), executor=parsl(sys.argv[1])).submit(small, **LONG)
print(at_epoch(evaluation, 3), flush=True)
evaluation.result()
"""


@pytest.mark.slow
def test_the_client_is_killed_and_asks_again(here):
    first = subprocess.Popen([sys.executable, "-c", CLIENT, here.file(most=1)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert int(first.stdout.readline()) >= 3
    first.kill()
    first.wait()
    first.stdout.close()
    began = time.monotonic()
    record = here.client(most=1).submit(small, **LONG).result(PATIENCE)
    assert_as_undisturbed(record, attempts=record.cost["attempts"])
    assert len(here.store) == 1
    assert time.monotonic() - began < PATIENCE
    here.cluster.wait_until(lambda: not here.cluster.squeue(), 120)  # nobody's blocks are left
