"""What the scheduler refuses is told in seconds, with its own words, and the executor lives on."""

import time

import pytest

from jitnas_fn.core import errors
from tests.site.training.models import QUICK, small


def test_a_wrong_partition_is_a_clear_error_in_seconds(here):
    client, began = here.client(partition="nosuch"), time.monotonic()
    with pytest.raises(errors.SiteUnavailable, match="invalid partition specified: nosuch") as caught:
        client.evaluate(small, **QUICK)
    assert time.monotonic() - began < 15
    assert not caught.value.retryable


def test_a_wrong_account_is_a_clear_error_in_seconds_and_the_executor_lives_on(here):
    client, began = here.client(partition="infer", gpu_type="t4", account="nosuch"), time.monotonic()
    here.cluster.run("scontrol", "update", "partitionname=infer", "allowaccounts=ours")
    try:
        with pytest.raises(errors.SiteUnavailable, match="Invalid account or account/partition combination") as caught:
            client.evaluate(small, **QUICK)
    finally:
        here.cluster.run("scontrol", "update", "partitionname=infer", "allowaccounts=all")
    assert time.monotonic() - began < 15
    assert not caught.value.retryable
    assert client.evaluate(small, **QUICK).verdict == "trained"


def test_the_executor_lives_on_and_takes_the_next_task(here):
    client = here.client(partition="infer", gpu_type="t4")
    here.cluster.run("scontrol", "update", "partitionname=infer", "state=inactive")
    try:
        with pytest.raises(errors.SiteUnavailable, match="infer|inactive|nvalid|not available|down"):
            client.evaluate(small, **QUICK)
    finally:
        here.cluster.run("scontrol", "update", "partitionname=infer", "state=up")
    assert client.evaluate(small, **QUICK).verdict == "trained"


def test_blocks_that_fail_as_soon_as_they_begin_are_told_after_three(here):
    client = here.client(environment=["echo no such module >&2", "exit 7"])
    with pytest.raises(errors.SiteUnavailable, match="no such module"):
        client.submit(small, **QUICK).result(120)


def test_more_than_the_cluster_has_is_pending_with_its_reason_and_can_be_cancelled(here):
    client = here.client(gpus=4, cores=1, walltime="00:10:00", most=1)
    blocker = here.cluster.submit("sleep 300", "--nodes=2", "--gres=gpu:4", "--partition=gpu", "--exclusive")
    here.cluster.wait_for(blocker, "RUNNING")
    evaluation = client.submit(small, **QUICK)
    here.cluster.wait_until(lambda: evaluation.status().state == "pending", 60)
    assert evaluation.status().reason in ("Resources", "Priority")
    assert evaluation.cancel()
    here.cluster.cancel(blocker)
    with pytest.raises(errors.Cancelled):
        evaluation.result(0)
    assert client.evaluate(small, **QUICK, seed=1).verdict == "trained"
    assert here.store.get(evaluation.key) is None
