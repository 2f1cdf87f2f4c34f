"""What a site answers may be anything: it is shown as plain text, taken within bounds, or refused by name."""

import dataclasses

import pytest

from jitnas_fn import Client, Limits
from jitnas_fn.client.status import Status
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import RecipeError, RecordError, TaskError
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, record_for, reply
from tests.client.models import small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}
HUGE = 10**400  # JSON may say it, no float holds it
NAME = "\x1b[2J\x07fake\nline"
JOBS = {"pending": 1, "running": 0, "waited_seconds": 5.0, "starts_seconds": None}


class Telling(Inline):
    """A control path that tells the same of every key."""

    def __init__(self, **told):
        super().__init__(self._answer)
        self.told = told

    def _answer(self, text):
        asked = Envelope.from_json(text)
        return Envelope(asked.verb, {"results": [{"key": key, **self.told} for key in asked.items("keys")]}).to_json()


def queued(**told):
    """An evaluation that a site has, which tells this of it."""
    evaluation = Client(store=MemoryStore(), executor=Held(), control=Telling(**told)).submit(small, **ASK)
    until(lambda: evaluation._reply is not None)
    return evaluation


@pytest.mark.parametrize(
    "told",
    [
        {"metrics": {"validation": {NAME: 0.5}}},
        {"metrics": {"validation": {"accuracy": HUGE}}},
        {"metrics": {"validation": HUGE, NAME: {"accuracy": 0.5}}},
        {"metrics": {"validation": {f"{n}{NAME}": 1e300 for n in range(1000)}}},
        {"seconds_left": HUGE},
        {"seconds_left": 1e300},
        {"seconds_left": -1},
        {"epoch": HUGE, "epochs": HUGE, "seconds_left": 5.0},
        {"epoch": 3, "epochs": -HUGE, "seconds_left": 5.0},
        {"reason": NAME * 1000},
        {"state": NAME * 1000, "job": NAME},
    ],
)
def test_a_status_is_a_short_line_of_plain_text(told):
    evaluation = queued(**{"state": "training", **told})
    shown = [str(evaluation.status()), str(evaluation.eta), evaluation._repr_html_()]
    assert all(line.isprintable() and len(line) < 1000 for line in shown)


def test_what_is_no_number_is_no_metric():
    told = {"state": "training", "metrics": {"validation": {"accuracy": 0.5, "loss": HUGE, "other": "x"}, "train": 7}}
    assert Status.from_answer(told).metrics == {"validation": {"accuracy": 0.5}, "train": {}}


@pytest.mark.parametrize(
    "span",
    [
        {"seconds": 0, "low": 1, "high": 2},
        {"seconds": HUGE, "low": 1, "high": HUGE},
        {"seconds": 1e308, "low": 1e-308, "high": 1e308},
        {"seconds": 1, "low": 5e-324, "high": 1e9},
        {"seconds": 3, "low": 1, "high": 2},
    ],
)
def test_an_estimate_is_a_short_line_or_none(span):
    sensible = {"seconds": 3, "low": 2, "high": 4, "basis": NAME * 1000}
    for expected in ({"training": sensible, "pending": span}, {"training": span, "pending": sensible}):
        found = str(queued(state="unknown", expected=expected, blocks=JOBS).eta)
        assert found.isprintable()
        assert len(found) < 600


@pytest.mark.parametrize("jobs", [{"pending": HUGE}, {"pending": 1, "running": HUGE}, {"pending": 1, "reason": NAME * 1000}])
def test_so_is_what_is_told_of_jobs(jobs):
    evaluation = queued(state="unknown", blocks={**JOBS, **jobs})
    assert str(evaluation.status()).isprintable()
    assert evaluation.eta is None or str(evaluation.eta).isprintable()


def sent(**given):
    """An evaluation of which the executor holds the message, the executor, and the task in the message."""
    executor = Held()
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **ASK, **given)
    (item,) = Envelope.from_json(executor.call()[1]).items("tasks")
    return evaluation, executor, item


def test_so_is_how_a_known_record_stands():
    store = MemoryStore()
    store.put(dataclasses.replace(record_for(sent()[2]), metrics={"validation": {NAME: 0.5}}).sealed())
    known = Client(store=store, executor=Held()).submit(small, **ASK)
    assert (known.source, known.status().metrics) == ("cache", {"validation": {NAME: 0.5}})
    assert "?[2J?fake?line 0.5000" in str(known.status())


def test_so_is_why_a_training_failed():
    evaluation, executor, _ = sent()
    executor.answer(text=Envelope("train", {}, {"type": "ModelFailed", "message": NAME}).to_json())
    assert "?[2J?fake line" in str(evaluation.status())
    assert str(evaluation.exception()) == "?[2J?fake\nline"


def forged(change, **given):
    """How an evaluation ends whose worker answers with a record that was changed, and sealed again."""
    evaluation, executor, item = sent(**given)
    record = record_for(item)
    made = dataclasses.replace(record, **change(record)).sealed()
    executor.answer(text=reply([{"key": evaluation.key, "record": made.to_dict()}]))
    return evaluation.exception(5)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda record: {"recipe": {**record.recipe, "epochs": HUGE}}, RecipeError),
        (lambda record: {"recipe": {**record.recipe, "learning_rate": HUGE}}, RecipeError),
        (lambda record: {"metrics": {"validation": {"accuracy": HUGE}}}, RecordError),
        (lambda record: {"curves": {"validation": {"accuracy": [0.5, -HUGE]}}}, RecordError),
        (lambda record: {"limits": {"seconds": HUGE, "memory_bytes": None}, "verdict": "over_time"}, RecordError),
    ],
)
def test_a_record_with_a_number_that_no_float_holds_is_refused(change, error):
    assert type(forged(change)) is error


@pytest.mark.parametrize("part", [{"seed": 7}, {"recipe": "0" * 64}, {"dataset": "0" * 64}])
def test_a_record_of_a_model_without_a_key_is_of_the_very_task(part):
    """Its key is its id, and says nothing of the other parts."""
    assert forged(lambda record: {}, identity="none") is None
    assert type(forged(lambda record: {"parts": {**record.parts, **part}}, identity="none")) is RecordError


def knowing_a_limit(seconds):
    """A control path that has one record of the model: it was not done within so many seconds."""
    limits = {"seconds": seconds, "memory_bytes": None, "device": "cpu"}
    return Telling(record=record_for(sent()[2], verdict="over_time", limits=limits).to_dict())


@pytest.mark.parametrize(
    ("limits", "source"), [(Limits(seconds=4), "shared"), (Limits(seconds=6), "trained"), (None, "trained")]
)
def test_a_limit_that_was_hit_at_the_site_answers_only_limits_no_larger(limits, source):
    client = Client(store=MemoryStore(), executor=Inline(), control=knowing_a_limit(5.0))
    assert (client.lookup(small, **ASK, limits=limits) is not None) == (source == "shared")
    fresh = Client(store=MemoryStore(), executor=Inline(), control=knowing_a_limit(5.0))
    evaluation = fresh.submit(small, **ASK, limits=limits)
    assert evaluation.result(5).verdict == ("over_time" if source == "shared" else "trained")
    assert evaluation.source == source


@pytest.mark.parametrize("limits", [{"seconds": HUGE}, {"memory_bytes": HUGE}])
def test_a_limit_that_no_machine_counts_is_a_clear_error(limits):
    with pytest.raises(TaskError, match="limit"):
        Limits.from_dict(limits)
