"""Nodes whose clocks are wrong: a key is trained once all the same, a dead holder is followed by one, and no work is lost."""

import os
import signal
import time
from functools import partial

import pytest

from jitnas_fn.client.first_look import FirstLook
from jitnas_fn.stores.leases import SKEW_SECONDS
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.flight import leases_of
from tests.site.training.models import LONG, assert_as_undisturbed, at_epoch, small

CHILD = "jitnas_fn.worker.child"
PATIENCE = 120
# Every Python of a job reads this first. No real clock is touched.
SHIFT = """
import os, time
seconds, true, true_ns = float(os.environ["JITNAS_TEST_SKEW"]), time.time, time.time_ns
time.time = lambda: true() + seconds
time.time_ns = lambda: true_ns() + int(seconds * 1e9)
"""


@pytest.fixture(autouse=True)
def sent_unseen(monkeypatch):
    """Nobody is told before that another trains it, so that both send their task: this is about what leases bear."""
    monkeypatch.setattr(FirstLook, "ask", lambda self, flight, *, then: self._later.call(partial(then, None)))


@pytest.fixture
def client_of(here):
    """A client whose blocks run where the clock is so many seconds ahead."""
    folder = here.folder / "shift"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SHIFT)

    def client(ahead, **changes):
        lines = [f"export JITNAS_TEST_SKEW={ahead:g}", f'export PYTHONPATH="{folder}${{PYTHONPATH:+:$PYTHONPATH}}"']
        return here.client(most=1, environment=lines, **changes)

    return client


def assert_ahead(here, seconds):
    """The one lease that there is was stamped by a clock that is so much ahead, less than two beats ago."""
    (lease,) = here.leases()
    assert seconds - 30 < lease.stat().st_mtime - time.time() < seconds + 5


@pytest.mark.slow
def test_two_whose_clocks_are_two_minutes_apart_ask_for_one_key_and_it_is_trained_once(here, client_of):
    first = client_of(60).submit(small, **LONG)
    at_epoch(first, 3)
    assert_ahead(here, 60)
    second = client_of(-60).submit(small, **LONG)
    record = second.result(PATIENCE)
    assert_as_undisturbed(record, attempts=1)
    assert first.result(PATIENCE).record_id == record.record_id
    assert (first.source, second.source) == ("trained", "shared")
    assert (record.provenance["token"], len(here.store), len(here.jobs())) == (1, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("holder", "other"), [(60, 0), (-60, 0)])
def test_the_holder_is_killed_and_one_goes_on_where_it_was(here, client_of, holder, other):
    first = client_of(holder).submit(small, **LONG)
    at_epoch(first, 3)
    (job,) = here.running()
    second = client_of(other).submit(small, **LONG)
    seen = at_epoch(second, 1)  # which is told of the training of the first: it was turned away by the lease
    assert_ahead(here, holder)
    for pid in here.pids(job=job):
        os.kill(pid, signal.SIGKILL)
    here.as_if_waited(60 + 2 * SKEW_SECONDS + 60)
    record = second.result(PATIENCE)
    assert_as_undisturbed(record, attempts=2)
    assert first.result(PATIENCE).record_id == record.record_id
    assert (record.provenance["token"], len(here.store)) == (2, 1)
    assert seen > 0


@pytest.mark.slow
def test_clocks_further_apart_than_leases_bear_cost_a_training_and_no_result(here, client_of):
    """What the bound of 60 s is for: a clock 120 s ahead of the holder's takes a lease for stale that is not."""
    first = client_of(-60).submit(small, **LONG)
    at_epoch(first, 3)
    second = client_of(60).submit(small, **LONG)
    records = [one.result(PATIENCE) for one in (first, second)]
    for record in records:
        assert_as_undisturbed(record, attempts=record.cost["attempts"])
    kept = here.store.replicates(records[0].key)
    assert {record.record_id for record in records} <= {record.record_id for record in kept}
    assert here.store.get(records[0].key).provenance["token"] == max(record.provenance["token"] for record in kept) == 2


@pytest.mark.slow
def test_a_job_whose_clock_is_a_minute_ahead_does_not_stop_at_once(here, client_of):
    evaluation = client_of(60, walltime="00:02:00").submit(small, **LONG)
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=1)
    assert len(here.jobs()) == 1


@pytest.mark.slow
def test_a_job_whose_clock_is_a_minute_behind_is_overtaken_by_its_end_and_keeps_its_last_epoch(here, client_of):
    evaluation = client_of(-60).submit(small, **LONG)
    at_epoch(evaluation, 10)
    (job,), (child,) = here.running(), here.pids(CHILD)
    here.halt(child)  # in a long epoch: Slurm looks every half a minute for jobs whose time is over
    before = at_epoch(evaluation, 10)
    here.cluster.end_in(job, 1)
    here.cluster.wait_for(job, "COMPLETING", "TIMEOUT", seconds=90)
    assert not evaluation.done()  # by its own clock it has a minute left
    os.kill(child, signal.SIGCONT)
    _, after = here.resumed(evaluation, PATIENCE)
    assert after >= before
    assert_as_undisturbed(evaluation.result(PATIENCE), attempts=2)


def test_from_one_question_to_the_next_a_site_remembers_which_beat_it_saw(tmp_path):
    """So that a holder who died is followed whatever time its lease bears: by one who saw the same beat for three minutes."""
    assert leases_of(SegmentStore(tmp_path), "here") is leases_of(SegmentStore(tmp_path), "here")
