"""When an evaluation will be done: by its own epochs, by the like of it, behind others, behind a job that waits."""

import json
from concurrent.futures import Executor, Future

import pytest

from jitnas_fn import Client, Recipe, fingerprint
from jitnas_fn.client.eta import Eta, eta, span_in
from jitnas_fn.client.status import Status
from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.forecast import Span
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker import experience
from tests.client.models import small, small_for_synthetic
from tests.client.test_the_whole_path import LONG, wait_for

TRAINING, PENDING = Span(100.0, 80.0, 120.0, "5 trainings"), Span(60.0, 20.0, 200.0, "3 jobs")
QUEUED = Status(state="queued")
NO_SPANS = [
    {"seconds": 0, "low": 1, "high": 2},
    {"seconds": 3, "low": 1, "high": 2},
    {"seconds": 10**400, "low": 1, "high": 10**400},
    {"seconds": 1, "low": 1, "high": 1e300},
]


def judged(status=QUEUED, blocks=None, **given):
    known = {"training": TRAINING, "pending": PENDING, "ahead": 0, "beside": 1, **given}
    return eta(status, {} if blocks is None else {"blocks": blocks}, **known)


def test_of_one_under_way_its_own_epochs_tell():
    early, late = (judged(Status(state="training", epoch=n, epochs=200, seconds_left=50.0)) for n in (1, 100))
    assert (early.seconds, early.queue_seconds, late.seconds) == (pytest.approx(50), 0, pytest.approx(50))
    assert early.low < late.low < 50 < late.high < early.high
    assert late.basis == "its own 100 epochs so far"


def test_before_its_first_epoch_part_of_it_may_be_over():
    assert judged(Status(state="training")) == judged(Status(state="in flight"))
    assert (judged(Status(state="training")).low, judged(Status(state="training")).high) == (0, 120)


@pytest.mark.parametrize(("ahead", "beside", "queue"), [(0, 1, 0), (1, 2, 0), (2, 2, 100), (7, 2, 300), (3, 1, 300)])
def test_behind_others_it_takes_as_many_rounds_as_there_are(ahead, beside, queue):
    found = judged(ahead=ahead, beside=beside)
    assert (found.queue_seconds, found.run_seconds, found.seconds) == (queue, 100, queue + 100)
    assert found.low <= found.seconds <= found.high


def test_a_job_that_waits_counts_as_those_before_it():
    found = judged(blocks={"pending": 1, "running": 0, "waited_seconds": 0.0, "starts_seconds": None})
    assert (found.queue_seconds, found.low, found.high) == (60, 100, 320)
    assert found.basis == "3 jobs; 5 trainings"
    waited = judged(blocks={"pending": 1, "running": 0, "waited_seconds": 50.0, "starts_seconds": None})
    assert waited.queue_seconds < 60


def test_the_schedulers_plan_counts_more():
    found = judged(blocks={"pending": 1, "running": 0, "waited_seconds": 5.0, "starts_seconds": 30.0})
    assert (found.queue_seconds, found.low) == (30, 80)
    assert found.high > 150
    assert "scheduler's plan" in found.basis
    assert judged(blocks={"running": 0, "starts_seconds": 30.0}, pending=None).high == 60 + 120


def test_where_a_job_runs_there_is_no_wait_for_one():
    assert judged(blocks={"pending": 3, "running": 1}).queue_seconds == 0


def test_where_nobody_knows_nothing_is_said():
    assert judged(training=None) is None
    assert judged(blocks={"pending": 1, "running": 0}, pending=None) is None


def test_it_is_said_in_a_line():
    found = judged(ahead=36, beside=1)
    assert str(found) == "in about 62 min (48 min to 74 min): 60 min queue, 100 s training; from 5 trainings"
    assert str(Eta.over()) == "now"


@pytest.mark.parametrize(
    "fields", [None, 3, {}, {"seconds": 1, "low": 0, "high": "x"}, {"seconds": -1, "low": 0, "high": 1}, *NO_SPANS]
)
def test_what_a_site_sends_that_makes_no_sense_is_left_out(fields):
    assert span_in(fields) is None


def test_a_basis_is_shown_as_plain_text():
    assert span_in({"seconds": 1, "low": 0, "high": 2, "basis": "a\x1b[31m"}).basis == "a?[31m"


@pytest.fixture
def client():
    client = Client(store=MemoryStore(), executor=None)
    yield client
    client.stop()


def test_on_this_machine_it_is_learned_from_ones_own_records(client, monkeypatch):
    monkeypatch.setattr(experience, "LEAST_SECONDS", 0.0)
    first = client.submit(small, dataset="digits", recipe=Recipe(name="two", epochs=2, batch_size=64, learning_rate=0.05))
    assert first.eta is None  # nothing was ever trained here
    first.result(60)
    assert first.eta == Eta.over()
    second = client.submit(small, dataset="digits", recipe=Recipe(name="four", epochs=4, batch_size=64, learning_rate=0.05))
    found = second.eta
    assert found == Eta.over() or found.low < found.seconds < found.high


def test_a_training_under_way_tells_when_it_will_be_done(client):
    evaluation = client.submit(small_for_synthetic, dataset="synthetic", recipe=LONG)
    wait_for(lambda: (evaluation.status().epoch or 0) > 3)
    found = evaluation.eta
    assert found.low < evaluation.status().seconds_left * 1.5
    assert "epochs so far" in found.basis
    assert str(found.basis) in evaluation._repr_html_()


class Site(Executor):
    """Trains nothing, and tells of itself what it was given."""

    def __init__(self, told):
        self.told, self.asked = told, []

    def submit(self, function, text):
        request, reply = Envelope.from_json(text), Future()
        if request.verb == "status":
            self.asked.append(request.body)
            answers = [{"key": key, "state": "unknown", **self.told} for key in request.body["keys"]]
            reply.set_result(Envelope("status", {"results": answers}).to_json())
        elif request.verb == "lookup":
            answers = [{"key": key, "record": None} for key in request.body["keys"]]
            reply.set_result(Envelope("lookup", {"results": answers}).to_json())
        return reply

    def beside(self, jobs):
        return jobs or 4


def test_a_site_tells_what_it_knows_and_how_its_jobs_are():
    told = {
        "site": "far away",
        "expected": {"training": TRAINING.to_dict(), "pending": PENDING.to_dict()},
        "blocks": {"pending": 0, "running": 2, "waited_seconds": None, "starts_seconds": None},
    }
    site = Site(json.loads(json.dumps(told)))
    client = Client(store=MemoryStore(), executor=site, control=site)
    evaluations = client.map([small], dataset="digits", recipe="instant", seeds=range(5))
    wait_for(lambda: all(one._reply is not None for one in evaluations))
    assert [one.eta.queue_seconds for one in evaluations] == [0, 0, 100, 100, 200]
    (about,) = site.asked[-1]["about"]
    assert (about["fingerprint"], about["epochs"]) == (
        fingerprint(small, (1, 8, 8)),
        shelf.take("recipes", "instant").RECIPE.epochs,
    )
    assert about["macs"] > 0
    evaluations[0].cancel()
    assert evaluations[4].eta.queue_seconds == 100
