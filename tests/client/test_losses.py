"""What was lost is sent again, under the same key, as often as it is worth it, and the reason is logged."""

import itertools
import logging
import random

import pytest
import tenacity

from jitnas_fn import Client
from jitnas_fn.client import losses
from jitnas_fn.core import errors
from jitnas_fn.core.envelope import Envelope, error_fields
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Inline, failing, reply, trained
from tests.client.models import small

ASK = {"dataset": "digits", "recipe": "instant"}


PAUSE = losses.PAUSE


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_none())


class Losing:
    """Answers the first `count` messages with a loss, and the next with a record."""

    def __init__(self, loss, count):
        self.loss, self.count, self.texts = loss, count, []

    def __call__(self, text):
        self.texts.append(text)
        return self.loss(text) if len(self.texts) <= self.count else trained(text)


def told(error):
    """What a site answers of a task that ended in `error`."""

    def answer(text):
        return reply([{"key": Envelope.from_json(text).items("tasks")[0]["key"], "error": error_fields(error)}])

    return answer


def walltime(kept):
    """The error of a training that the walltime ended when so many epochs were kept."""
    error = errors.WalltimeExceeded("the job is over")
    error.kept = kept
    return error


class Walltimes:
    """Ends the training by walltime, with these epochs kept one after another, and then answers with a record."""

    def __init__(self, *kept):
        self.kept, self.count = list(kept), 0

    def __call__(self, text):
        self.count += 1
        return told(walltime(self.kept.pop(0)))(text) if self.kept else trained(text)


LOSSES = [
    (failing(ConnectionResetError("the cable was pulled")), 8),
    (failing(errors.WorkerLost("the node is gone")), 5),
    (told(errors.SiteUnavailable("no GPU just now")), 8),
    (failing(walltime(3)), 1 + 5),  # the first time it got on
    (told(walltime(0)), 5),
    (told(walltime(None)), 60),
    (told(errors.WorkerLost("ended by SIGKILL")), 1),
]


@pytest.mark.parametrize(("loss", "tries"), LOSSES)
def test_a_loss_is_tried_again(loss, tries, caplog):
    site = Losing(loss, tries)
    with caplog.at_level(logging.WARNING, "jitnas_fn"):
        record = Client(store=MemoryStore(), executor=Inline(site)).submit(small, **ASK).result(20)
    assert record.verdict == "trained"
    assert len(set(site.texts)) == 1  # the very same message
    assert len(site.texts) == tries + 1
    assert caplog.text.count("sent again in") == tries


@pytest.mark.parametrize(("loss", "tries"), LOSSES)
def test_and_given_up_in_the_end(loss, tries, caplog):
    site = Losing(loss, tries + 1)
    evaluation = Client(store=MemoryStore(), executor=Inline(site)).submit(small, **ASK)
    assert isinstance(evaluation.exception(20), (errors.SiteUnavailable, errors.WorkerLost, errors.WalltimeExceeded))
    assert len(site.texts) == tries + 1
    assert "is given up" in caplog.text


def outcome(*kept):
    """How often a training was sent that such walltimes end, and what became of it."""
    site = Walltimes(*kept)
    evaluation = Client(store=MemoryStore(), executor=Inline(site)).submit(small, **ASK)
    error = evaluation.exception(60)
    return site.count, type(error)


def test_as_long_as_a_training_gets_on_it_is_sent_again():
    assert outcome(*range(1, 151)) == (151, type(None))


def test_one_that_stands_still_is_given_up_soon():
    assert outcome(*[3] * 100) == (1 + 6, errors.WalltimeExceeded)  # the first time it came to 3


def test_to_get_on_begins_the_count_anew():
    still = [0] * 5 + [None] * 60
    assert outcome(*still, 1, *[1] * 5, *[None] * 60, 2, *[2] * 5) == (1 + 65 + 66 + 6, type(None))


class Replies(list):
    """Answers one after another, each by a function."""

    def __call__(self, text):
        return self.pop(0)(text) if self else trained(text)


def test_to_get_on_forgives_lost_nodes_too():
    a_node = failing(errors.WorkerLost("the node is gone"))
    replies = Replies(one for day in range(1, 10) for one in [a_node] * 5 + [told(walltime(day))])
    assert Client(store=MemoryStore(), executor=Inline(replies)).submit(small, **ASK).result(20).verdict == "trained"
    assert not replies


def test_a_loss_is_forgiven_after_a_day(monkeypatch):
    hours = itertools.count()
    monkeypatch.setattr(losses.time, "monotonic", lambda: 3600.0 * next(hours))
    known, gone = losses.Losses(), errors.WorkerLost("the node is gone")
    for _ in range(7):
        assert losses.pause_after(gone, known, key="a" * 64, by_executor=True) is not None
        for _ in range(30):
            next(hours)
    pauses = [losses.pause_after(gone, known, key="a" * 64, by_executor=True) for _ in range(7)]
    assert pauses[-1] is None


def test_a_site_may_be_away_for_a_minute(monkeypatch):
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_exponential(multiplier=0.5, max=60))
    known, away = losses.Losses(), errors.SiteUnavailable("away")
    pauses = [losses.pause_after(away, known, key="a" * 64, by_executor=True) for _ in range(8)]
    assert sum(pauses) / 2 > 60  # half of it on the average, as they are drawn


def test_to_come_again_to_where_it_was_is_not_to_get_on():
    assert outcome(*[5, 2] * 100) == (1 + 6, errors.WalltimeExceeded)


def test_who_is_told_of_ever_more_epochs_asks_at_a_growing_distance(monkeypatch):
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_exponential(multiplier=0.5, max=60))
    known = losses.Losses()
    pauses = [losses.pause_after(walltime(epoch), known, key="a" * 64, by_executor=False) for epoch in range(1, 12)]
    assert pauses[0] == 0.5
    assert pauses[-1] == 60


@pytest.mark.parametrize("error", [errors.ModelFailed("?"), errors.NotAllowed("?"), errors.DeadlineExceeded("?")])
def test_what_is_no_loss_is_not_tried_again(error):
    site = Losing(told(error), 1)
    assert type(Client(store=MemoryStore(), executor=Inline(site)).submit(small, **ASK).exception(5)) is type(error)
    assert len(site.texts) == 1


def test_what_was_cancelled_while_it_waits_for_another_try_is_not_sent(monkeypatch):
    monkeypatch.setattr(losses, "PAUSE", tenacity.wait_fixed(0.2))
    site = Losing(failing(ConnectionResetError("gone")), 1)
    client = Client(store=MemoryStore(), executor=Inline(site))
    evaluation = client.submit(small, **ASK)
    evaluation.cancel()
    assert evaluation.cancelled()
    client.evaluate(small, **ASK, seed=1)
    assert len(site.texts) == 2


def test_a_pause_is_drawn_from_a_generator_of_its_own(monkeypatch):
    """A draw from everybody's, in another thread, would pass for one of the model that is traced meanwhile."""
    monkeypatch.setattr(losses, "PAUSE", PAUSE)
    before = random.getstate()
    pauses = {losses.pause_after(errors.WorkerLost("gone"), losses.Losses(), key="0" * 64, by_executor=True) for _ in range(5)}
    assert len(pauses) == 5
    assert random.getstate() == before
