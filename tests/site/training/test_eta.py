"""When an evaluation will be done, judged by the site's own records."""

import pytest

from tests.site.training.models import QUICK, small


def test_a_job_that_waits_is_judged_by_the_jobs_before_it(here):
    client = here.client(most=1)
    record = client.evaluate(small, **QUICK)
    (job,) = here.jobs()
    told = record.provenance["job"]
    assert told["id"] == job
    assert 0 <= told["pending_seconds"] < 60
    here.cluster.wait_until(lambda: not here.cluster.squeue(), 60)
    blocker = here.cluster.submit("sleep 300", "--nodes=2", "--gres=gpu:4", "--partition=gpu", "--exclusive")
    here.cluster.wait_for(blocker, "RUNNING")
    evaluation = client.submit(small, **QUICK, seed=1)
    here.cluster.wait_until(lambda: evaluation.status().state == "pending", 60)
    found = evaluation.eta
    assert found.queue_seconds > 0
    assert found.run_seconds == pytest.approx(record.cost["wall_seconds"], rel=0.01)
    assert found.low < found.seconds < found.high
    assert "1 training of the same architecture and recipe" in found.basis
    here.cluster.cancel(blocker)
    assert evaluation.result(120).verdict == "trained"
    assert evaluation.eta.seconds == 0
