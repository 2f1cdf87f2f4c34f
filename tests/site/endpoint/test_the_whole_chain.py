"""From a laptop through the service and the agent to a job on the cluster, and back."""

import json
import subprocess
import sys

from jitnas_fn import Client
from jitnas_fn.client.flight import ticket_of
from jitnas_fn.client.request import understood
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.board import Board
from jitnas_fn.worker.entry import run_task
from tests.site.training.models import LONG, at_epoch, small

ASK = {"dataset": "digits", "recipe": "quick"}


def test_a_miss_is_trained_in_a_job_and_the_second_ask_touches_nothing(laptop):
    client, seed = laptop.client(), laptop.seed(0)
    evaluation = client.submit(small, **ASK, seed=seed)
    record = evaluation.result(500)
    assert evaluation.source == "trained"
    assert record.verdict == "trained"
    if not laptop.is_live:
        assert laptop.jobs() == [record.provenance["job"]["id"]]
        assert record.provenance["site"] == "one machine"
        assert laptop.store.get(record.key) == record
        laptop.hosted.forget_requests()
    again = client.submit(small, **ASK, seed=seed)
    assert (again.source, again.result(0)) == ("cache", record)
    if not laptop.is_live:
        assert laptop.hosted.requests()["total"] == 0


def test_another_person_is_answered_by_the_site_without_a_job(laptop):
    seed = laptop.seed(1)
    first = laptop.client().evaluate(small, **ASK, seed=seed)
    jobs = [] if laptop.is_live else laptop.jobs()
    evaluation = laptop.client().submit(small, **ASK, seed=seed)
    assert evaluation.result(60) == first
    assert evaluation.source == "shared"
    assert laptop.client().lookup(small, **ASK, seed=seed) == first
    assert laptop.client().lookup(small, **ASK, seed=laptop.seed(2)) is None
    assert laptop.is_live or laptop.jobs() == jobs


def test_two_people_who_ask_at_once_have_it_trained_once(laptop):
    seed = laptop.seed(3)
    first = laptop.client().submit(small, **ASK, seed=seed)
    second = laptop.client().submit(small, **ASK, seed=seed)
    assert first.result(500).record_id == second.result(60).record_id
    assert sorted((first.source, second.source)) == ["shared", "trained"]
    if not laptop.is_live:
        assert len(laptop.jobs()) == 1  # the second one's ticket kept it out of the queue
        assert len(laptop.store) == 1


def test_the_control_path_refuses_to_train(laptop):
    executor = laptop.executor()
    request = understood(small, **ASK, seed=laptop.seed(5))
    text = executor.control.submit(run_task, ticket_of(request).message).result(120)
    error = Envelope.from_json(text).error
    assert error["type"] == "NotAllowed"
    assert "it trains nothing" in error["message"]


def test_what_is_cancelled_stops_at_the_site(laptop):
    evaluation = laptop.client().submit(small, **LONG, seed=laptop.seed(4))
    at_epoch(evaluation, 3, seconds=500)
    assert evaluation.cancel()
    assert evaluation.status().state == "cancelled"
    if not laptop.is_live:
        laptop.cluster.wait_until(lambda: Board(laptop.worker).read(evaluation.key)["state"] == "unknown", 30)
    assert laptop.client().lookup(small, **LONG, seed=laptop.seed(4)) is None


def test_two_thousand_evaluations_of_which_a_third_are_duplicates_take_few_requests(laptop):
    seeds = [laptop.seed(1000 + number) for number in [*range(1400), *range(600)]]
    evaluations = laptop.client().map([small], dataset="digits", recipe="instant", seeds=seeds)
    assert (len(evaluations), len(set(evaluations))) == (2000, 1400)  # those of one client are one
    assert {one.result(500).verdict for one in evaluations} == {"trained"}
    assert {one.source for one in evaluations} == {"trained"}
    if not laptop.is_live:
        assert len(laptop.store) == 1400
        assert laptop.hosted.requests()["total"] <= 60


def test_a_cache_is_filled_through_the_endpoint_alone(laptop):
    seeds = [laptop.seed(5000 + number) for number in range(3)]
    records = [one.result(500) for one in laptop.client().map([small], **ASK, seeds=seeds)]
    far = Client(store=MemoryStore(), executor=laptop.executor())
    synced = far.sync()
    assert synced.reached
    assert [far.store.get(record.key) for record in records] == records


def test_the_command_line_evaluates_at_an_endpoint(laptop, tmp_path):
    model = tmp_path / "models.py"
    model.write_text("from torch import nn\n\n\ndef network():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n")
    seed = str(laptop.seed(6))
    words = [f"{model}:network", "--dataset", "digits", "--recipe", "instant", "--seed", seed]
    command = [sys.executable, "-m", "jitnas_fn", "evaluate", *words, "--endpoint", laptop.endpoint_id, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"] == "trained"
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(again.stdout)["source"] == "cache"
