"""What was lost is sent again, under the same key, as often as it is worth it, and the reason is logged."""

import logging

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


LOSSES = [
    (failing(ConnectionResetError("the cable was pulled")), 5),
    (failing(errors.WorkerLost("the node is gone")), 5),
    (told(errors.SiteUnavailable("no GPU just now")), 5),
    (told(errors.WalltimeExceeded("epoch 3 of 9 is kept")), 100),
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
