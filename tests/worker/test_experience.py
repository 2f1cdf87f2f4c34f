"""A site tells how long the like of a task took there, from the lines of its store."""

import dataclasses

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.forecast import About
from jitnas_fn.core.task import key_of
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker import blocks, experience
from jitnas_fn.worker.entry import run_task
from tests.samples import RECIPE, a_record
from tests.worker.asking import asked

KEY = "b" * 64
DIGITS = shelf.take("datasets", "digits").DATASET.sha256
TASK = About("c" * 64, DIGITS, RECIPE.sha256, RECIPE.epochs, 640)


def having(number=0, *, seconds=2.0, dataset=DIGITS, created="2026-01-02T03:04:05Z", **changes):
    """A record of a training at the site of these tests."""
    record = a_record(number)
    parts = {**record.parts, "dataset": dataset}
    provenance = {**record.provenance, "site": "test site", "created": created, **changes.pop("provenance", {})}
    cost = {**record.cost, "wall_seconds": seconds}
    return dataclasses.replace(record, key=key_of(parts), parts=parts, provenance=provenance, cost=cost, **changes).sealed()


def put(store, *records):
    for record in records:
        store.put(record)
    return store


def expected(**fields):
    (found,) = asked("status", keys=[KEY], about=[{**TASK.to_dict(), **fields}])["results"]
    return found["expected"]


@pytest.fixture(params=["memory", "segments"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else SegmentStore(tmp_path / "store")


def test_the_like_of_a_task_took_so_long(site, store):
    job = {"id": "7", "pending_seconds": 90.0}
    site(store=put(store, having(1, seconds=30.0), having(2, seconds=40.0, provenance={"job": job})))
    found = expected()
    assert found["training"]["low"] < 30 < found["training"]["seconds"] < 40 < found["training"]["high"]
    assert found["training"]["basis"] == "2 trainings of other architectures with the same recipe"
    assert found["pending"]["seconds"] == pytest.approx(90)
    assert found["pending"]["basis"] == "1 earlier job"


@pytest.mark.parametrize(
    "other",
    [
        {"provenance": {"site": "elsewhere"}},
        {"provenance": {"origin": "elsewhere"}},
        {"dataset": "d" * 64},
        {"seconds": None},
        {"seconds": -1.0},
        {"seconds": True},
        {"seconds": 10**400},
        {"seconds": 1e300},
        {"provenance": {"job": {"id": "7", "pending_seconds": 10**400}}},
        {"verdict": "over_time", "limits": {"seconds": 1.0, "memory_bytes": None, "device": "cpu"}},
        {"verdict": "diverged"},
        {"size": {"macs": "many"}},
        {"provenance": {"job": {"id": "7", "pending_seconds": "long"}}},
        {"provenance": {"job": "7"}},
    ],
)
def test_what_is_no_training_to_its_end_here_tells_nothing(site, other):
    site(store=put(MemoryStore(), having(1, **other)))
    assert expected() == {"training": None, "pending": None}


def test_of_many_the_latest_count(site, monkeypatch):
    monkeypatch.setattr(experience, "MOST_REMEMBERED", 3)
    old = [having(n, seconds=1000.0, created="2025-01-01T00:00:00Z") for n in range(5)]
    new = [having(n, seconds=10.0, created="2026-01-01T00:00:00Z") for n in range(5, 8)]
    site(store=put(MemoryStore(), *new, *old))
    assert expected()["training"]["seconds"] == pytest.approx(10)


def test_lines_are_read_again_only_after_a_while(site, monkeypatch):
    store = put(MemoryStore(), having(1))
    site(store=store)
    assert expected()["training"]["basis"].startswith("1 training")
    put(store, having(2))
    assert expected()["training"]["basis"].startswith("1 training")
    monkeypatch.setattr(experience, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(experience, "SHARE", 1e9)
    assert expected()["training"]["basis"].startswith("2 trainings")


def test_nobody_makes_a_site_look_for_datasets_that_there_are_not(site, monkeypatch):
    class Unread(MemoryStore):
        def every_line(self):
            raise AssertionError("it looked")

    site(store=Unread())
    assert expected(dataset="e" * 64) == {"training": None, "pending": None}


def test_a_site_without_a_store_and_a_question_without_a_task(site):
    assert expected() is None
    site(store=MemoryStore())
    assert asked("status", keys=[KEY]) == {"results": [{"key": KEY, "state": "unknown"}]}


@pytest.mark.parametrize("about", [{}, [], [None], [TASK.to_dict()] * 2, [{**TASK.to_dict(), "epochs": "many"}]])
def test_a_question_that_is_malformed_is_refused(about):
    reply = Envelope.from_json(run_task(Envelope("status", {"keys": [KEY], "about": about}).to_json()))
    assert reply.error["type"] == "EnvelopeError"
    assert "about" in reply.error["message"]


def test_jobs_are_told_with_their_wait_and_the_schedulers_plan(site, squeue, monkeypatch):
    monkeypatch.setattr(blocks, "_SIGHT", blocks._Sight())
    squeue.says("PENDING 2001-01-01T00:00:00 2101-01-01T00:00:00 Priority\nPENDING 2002-01-01T00:00:00 N/A Resources\nnonsense")
    site(slurm=True)
    (found,) = asked("status", keys=[KEY], about=[TASK.to_dict()])["results"]
    jobs = found["blocks"]
    assert (jobs["pending"], jobs["running"], jobs["reason"]) == (2, 0, "Priority")
    assert jobs["waited_seconds"] > 7e8
    assert jobs["starts_seconds"] > 2e9
