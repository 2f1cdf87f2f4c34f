"""A training that is longer than its jobs goes on from one to the next, however many they are."""

import pytest

from tests.site.training.models import LONGER, STEADY, assert_as_undisturbed, at_epoch, deep, small

JOBS = 5  # more than Parsl is told to see fail in a row, and than a node may be lost


@pytest.mark.slow
def test_a_training_goes_on_through_more_jobs_than_may_fail(here):
    evaluation = here.client(most=1).submit(deep, **STEADY)
    for number in range(1, JOBS):
        at_epoch(evaluation, 2 * number, 120)
        (job,) = here.running()
        here.cluster.cancel(job)
        here.cluster.wait_for(job, "COMPLETED", "CANCELLED", "FAILED")
    assert_as_undisturbed(evaluation.result(240), attempts=JOBS, ask=STEADY, model=deep)
    assert len(here.jobs()) == JOBS


@pytest.mark.slow
def test_a_job_that_a_training_leaves_ends_and_the_next_one_begins(here):
    evaluation = here.client(most=1, idle_seconds=120).submit(small, **LONGER)
    at_epoch(evaluation, 10)
    (job,) = here.running()
    here.cluster.end_in(job, 20)
    left = here.cluster.wait_for(job, "COMPLETED", "TIMEOUT", "CANCELLED", "FAILED")
    assert left["JobState"] == "COMPLETED"  # by itself, before Slurm had to
    assert_as_undisturbed(evaluation.result(240), attempts=2, ask=LONGER)
    assert len(here.jobs()) == 2
