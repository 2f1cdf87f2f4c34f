"""A machine that hangs for so long that all give it up, and then lives on: its record is kept, and its successor's answers."""

import os
import signal

import pytest

from tests.site.processes import parent_of
from tests.site.training.models import STEADY, assert_as_undisturbed, at_epoch, deep, only

CHILD, POOL = "jitnas_fn.worker.child", "jitnas_fn.worker.pool"
PATIENCE = 240
DEAD = 200  # for certain [s]


@pytest.mark.slow
def test_a_node_is_lost_and_the_orphan_on_it_ends_after_its_successor(here):
    evaluation = here.client(most=1).submit(deep, **STEADY)
    told, job = at_epoch(evaluation, 3), only(here.running())
    manager, child = only(here.pids(POOL)), only(here.pids(CHILD))
    worker = parent_of(child)
    for pid in (manager, worker, child):
        here.halt(pid)
    here.cluster.kill_slurmd(here.cluster.job(job)["NodeList"])
    here.as_if_waited(DEAD)
    last, after = here.resumed(evaluation, PATIENCE, told=told)
    assert after >= last
    at_epoch(evaluation, after + 3)
    for pid in (child, worker):  # the manager stands still, so that nobody hears the orphan's answer
        os.kill(pid, signal.SIGCONT)
    record = evaluation.result(PATIENCE)
    here.cluster.wait_until(lambda: len(here.store) == 2, 60)
    kept = here.store.replicates(record.key)
    assert [(one.provenance["token"], one.cost["attempts"]) for one in kept] == [(2, 2), (1, 1)]
    assert here.store.get(record.key) == kept[0] == record
    for one in kept:
        assert_as_undisturbed(one, attempts=one.cost["attempts"], ask=STEADY, model=deep)
    assert here.jobs() == [job]
