"""Whatever breaks between a laptop and a training: nothing is lost, no future hangs."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from jitnas_fn import Client
from jitnas_fn.client import liveness
from tests.site import processes
from tests.site.training.models import BRIEF, LONGER, QUICK, STEADY, deep, small

CHILD, DEAD = "jitnas_fn.worker.child", 200.0  # [s] after which a lease is anybody's


def ends(evaluations, seconds=240):
    """The records of all, each of its own key, and each kept once."""
    end = time.monotonic() + seconds
    records = [one.result(max(1.0, end - time.monotonic())) for one in evaluations]
    assert {record.verdict for record in records} == {"trained"}
    return records


def kept_once(laptop, records):
    """Whether the site has these records, and no second one of any."""
    return all([record.record_id for record in laptop.store.replicates(one.key)] == [one.record_id] for one in records)


def test_a_worker_that_is_killed_is_replaced_and_goes_on(laptop):
    evaluation = laptop.client().submit(deep, **STEADY, seed=1)
    laptop.trains(evaluation.key, 90, epoch=3)
    (child,) = laptop.pids(CHILD)
    laptop.kill(processes.parent_of(child))
    laptop.as_if_waited(DEAD)
    told, resumed = laptop.resumed(evaluation, 90, told=3)
    assert resumed >= told  # what was told of is kept
    records = ends([evaluation])
    assert kept_once(laptop, records)
    assert records[0].cost["attempts"] == 2
    assert len(laptop.jobs()) == 1  # the endpoint itself has tried again, in the same job


def test_a_job_that_is_cancelled_is_replaced(laptop):
    evaluation = laptop.client().submit(deep, **STEADY, seed=2)
    laptop.trains(evaluation.key, 90, epoch=3)
    (job,) = laptop.running()
    laptop.cluster.cancel(job)
    told, resumed = laptop.resumed(evaluation, 120, told=3)
    assert resumed >= told  # what was told of is kept
    records = ends([evaluation])
    assert kept_once(laptop, records)
    assert records[0].cost["attempts"] == 2
    assert records[0].provenance["job"]["id"] != job


def test_a_job_whose_time_is_cut_is_replaced(laptop):
    evaluation = laptop.client().submit(small, **LONGER, seed=3)
    laptop.trains(evaluation.key, 90, epoch=50)
    (job,) = laptop.running()
    laptop.cluster.end_in(job, 1)
    records = ends([evaluation])
    assert kept_once(laptop, records)
    assert records[0].cost["attempts"] == 2


def test_a_user_endpoint_that_is_killed_loses_nothing(laptop):
    client = laptop.client()
    evaluations = client.map([small], **BRIEF, seeds=range(20, 26))
    laptop.trains(evaluations[0].key, 90, epoch=5)
    _, pid = laptop.user_endpoint("train")
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    laptop.cluster.wait_until(lambda: (now := laptop.user_endpoint("train")) and now[1] != pid, 60)
    assert time.monotonic() - killed <= 30
    records = ends(evaluations)
    assert kept_once(laptop, records)
    assert len({record.key for record in records}) == 6


def test_an_agent_that_is_killed_loses_nothing(laptop):
    client = laptop.client()
    evaluations = client.map([small], **BRIEF, seeds=range(30, 33))
    laptop.trains(evaluations[0].key, 90, epoch=5)
    laptop.agent.kill()
    laptop.cluster.wait_until(lambda: not laptop.agent.user_endpoints(), 60)
    laptop.agent.up()
    assert kept_once(laptop, ends(evaluations))


def test_an_endpoint_that_is_away_for_a_minute_is_waited_for(laptop):
    laptop.agent.stop()
    client = laptop.client()
    evaluations = client.map([small], **QUICK, seeds=range(40, 43))
    time.sleep(60)
    assert not any(one.done() for one in evaluations)
    laptop.agent.up()
    assert kept_once(laptop, ends(evaluations))


def test_a_client_that_is_killed_leaves_what_another_process_takes_up(laptop):
    script = f"""
        from jitnas_fn import Client
        from jitnas_fn.backends.globus_compute import globus_compute
        from tests.site.training.models import BRIEF, small
        client = Client(executor=globus_compute("{laptop.endpoint_id}"))
        evaluations = client.map([small], **BRIEF, seeds=range(50, 53))
        print(*[one.key for one in evaluations], flush=True)
        for one in evaluations:
            one.result()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True) as process:
        keys = process.stdout.readline().split()
        laptop.trains(keys[0], 90, epoch=5)
        process.kill()
    client = Client(executor=laptop.executor())
    evaluations = client.attach()
    assert [one.key for one in evaluations] == keys
    records = ends(evaluations)
    assert kept_once(laptop, records)
    assert {record.cost["attempts"] for record in records} == {1}
    assert client.attach() == []


def test_a_broker_that_restarts_loses_nothing(laptop):
    evaluations = laptop.client().map([small], **BRIEF, seeds=range(60, 63))
    laptop.trains(evaluations[0].key, 90, epoch=5)
    laptop.hosted.broker.restart()
    assert kept_once(laptop, ends(evaluations))


def test_a_service_that_restarts_loses_nothing(laptop):
    evaluations = laptop.client().map([small], **BRIEF, seeds=range(70, 73))
    laptop.trains(evaluations[0].key, 90, epoch=5)
    laptop.hosted.kill_service()
    time.sleep(5)
    laptop.hosted.start_service()
    assert kept_once(laptop, ends(evaluations))


@pytest.mark.parametrize("status", [429, 500])
def test_a_service_that_refuses_for_a_while_is_asked_again(laptop, status):
    laptop.hosted.faults(answers=[{"path": "*/submit", "status": status, "times": 8}])
    assert kept_once(laptop, ends(laptop.client().map([small], **QUICK, seeds=range(80, 83))))
    assert laptop.hosted.requests()["statuses"].get(str(status))


def test_a_request_that_is_too_large_is_made_smaller(laptop):
    laptop.hosted.faults(answers=[{"path": "*/submit", "status": 413, "times": 2}])
    assert kept_once(laptop, ends(laptop.client().map([small], **QUICK, seeds=range(90, 94))))


def test_a_result_that_is_never_delivered_is_fetched_from_the_sites_store(laptop, monkeypatch):
    monkeypatch.setattr(liveness, "CHECK_SECONDS", 5.0)
    client = laptop.client()
    evaluation = client.submit(small, **BRIEF, seed=201)
    laptop.trains(evaluation.key, 90, epoch=5)
    laptop.hosted.faults(drop_results={"config": {"profile": "train"}})
    records = ends([evaluation])
    assert evaluation.source == "shared"
    assert kept_once(laptop, records)


def test_a_result_that_comes_after_the_task_was_sent_again_counts_once(laptop):
    client = laptop.client()
    evaluation = client.submit(small, **BRIEF, seed=202)
    laptop.trains(evaluation.key, 90, epoch=5)
    laptop.hosted.faults(hold_results={"config": {"profile": "train"}})
    _, pid = laptop.user_endpoint("train")
    os.kill(pid, signal.SIGKILL)
    laptop.cluster.wait_until(lambda: (now := laptop.user_endpoint("train")) and now[1] != pid, 60)
    laptop.cluster.wait_until(lambda: laptop.hosted.faults_now()["held"], 120)
    laptop.hosted.faults()
    assert kept_once(laptop, ends([evaluation]))
