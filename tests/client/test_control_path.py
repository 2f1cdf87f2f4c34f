"""A client with a control path: it tells how far a run is, cancels it and knows records; where it fails, training goes on."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jitnas_fn import Client
from jitnas_fn.client import first_look
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import FullStore, Held, Inline, Odd, failing, record_for, reply
from tests.client.models import Wider, small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}


class Control(Inline):
    """A control path that knows one running task."""

    def __init__(self, state=None):
        super().__init__(self._answer)
        self.state = state or {"state": "training", "epoch": 3, "epochs": 8, "metrics": {}, "seconds_left": 4.5}
        self.verbs = []

    def _answer(self, text):
        envelope = Envelope.from_json(text)
        self.verbs.append(envelope.verb)
        return Envelope(envelope.verb, {"results": [{"key": key, **self.state} for key in envelope.items("keys")]}).to_json()


def test_a_control_path_tells_the_status_and_cancels_what_runs():
    executor, control = Held(), Control()
    evaluation = Client(store=MemoryStore(), executor=executor, control=control).submit(small, **ASK)
    executor.begin()
    status = evaluation.status()
    assert (status.state, status.epoch, status.epochs, status.seconds_left) == ("training", 3, 8, 4.5)
    assert str(status) == "training  epoch 3/8  4 s left"
    assert evaluation.cancel()
    assert evaluation.cancelled()
    assert control.verbs == ["lookup", "status", "cancel"]


@pytest.mark.parametrize("state", [{"state": None}, {"epoch": "x"}, {"metrics": 3, "state": "training"}, {"state": "unknown"}])
def test_a_malformed_status_is_no_error(state):
    executor = Held()
    evaluation = Client(store=MemoryStore(), executor=executor, control=Control(state)).submit(small, **ASK)
    executor.begin()
    assert str(evaluation.status())


def test_a_control_path_that_fails_leaves_the_futures_own_state():
    executor = Held()
    evaluation = Client(store=MemoryStore(), executor=executor, control=Inline(failing(OSError("away")))).submit(small, **ASK)
    executor.begin()
    assert evaluation.status().state == "training"


def test_a_lookup_asks_the_site_and_keeps_what_it_knows():
    executor = Held()
    Client(store=MemoryStore(), executor=executor).submit(small, **ASK)
    (item,) = Envelope.from_json(executor.calls[0][1]).items("tasks")
    client = Client(store=MemoryStore(), executor=executor, control=Control({"record": record_for(item).to_dict()}))
    assert client.lookup(small, **ASK) is not None
    assert client.lookup(Wider, **ASK) is None
    assert len(client.store) == 1
    assert len(executor.calls) == 1


def knowing(model):
    """A control path that has the record of a model."""
    executor = Held()
    Client(store=MemoryStore(), executor=executor).submit(model, **ASK)
    (item,) = Envelope.from_json(executor.calls[0][1]).items("tasks")
    return Control({"record": record_for(item).to_dict()})


def test_what_the_site_knows_is_not_trained():
    executor, control = Held(), knowing(small)
    client = Client(store=MemoryStore(), executor=executor, control=control)
    evaluation = client.submit(small, **ASK)
    assert evaluation.result(1).verdict == "trained"
    assert evaluation.source == "shared"
    assert client.submit(small, **ASK).source == "cache"
    assert client.store.document(evaluation.result().parts["fingerprint"]) is not None
    assert control.verbs == ["lookup"]
    assert executor.calls == []


def test_a_site_that_knows_something_else_trains():
    evaluation = Client(store=MemoryStore(), executor=Inline(), control=knowing(Wider)).submit(small, **ASK)
    assert evaluation.result(5).verdict == "trained"
    assert evaluation.source == "trained"


class Refusing(Held):
    """Takes no work."""

    def submit(self, function, text):
        raise RuntimeError("closed")


@pytest.mark.parametrize("control", [Inline(failing(OSError("away"))), Inline(lambda text: "no"), Refusing(), Odd(None)])
def test_a_control_path_that_fails_does_not_stop_the_training(control):
    evaluation = Client(store=MemoryStore(), executor=Inline(), control=control).submit(small, **ASK)
    assert evaluation.result(1).verdict == "trained"
    assert evaluation.source == "trained"


def test_a_control_path_that_hangs_does_not_stop_the_training(monkeypatch):
    monkeypatch.setattr(first_look, "PATIENCE_SECONDS", 0.2)
    executor, control = Inline(), Held()
    client = Client(store=MemoryStore(), executor=executor, control=control)
    evaluation = client.submit(small, **ASK)
    assert not evaluation.done()
    assert evaluation.status().state == "queued"
    assert evaluation.result(5).verdict == "trained"
    control.answer(text=reply([]))  # too late to matter
    assert len(executor.asked) == 1


def test_what_is_cancelled_while_the_site_is_asked_is_not_trained():
    executor, control = Inline(pytest.fail), Held()
    evaluation = Client(store=MemoryStore(), executor=executor, control=control).submit(small, **ASK)
    assert evaluation.cancel()
    control.answer(text=reply([]))
    assert executor.asked == []


def test_a_model_without_a_key_is_not_looked_up_at_the_site():
    client = Client(store=MemoryStore(), executor=Inline(), control=Inline(pytest.fail))
    assert client.submit(small, **ASK, identity="none").source == "trained"


def test_a_lookup_at_the_site_needs_no_store_that_can_be_written():
    client = Client(store=FullStore(), executor=Held(), control=knowing(small))
    with pytest.warns(RuntimeWarning, match="could not be kept: no space left"):
        assert client.lookup(small, **ASK).verdict == "trained"


def test_a_callback_may_look_up_at_a_site_that_answers_one_at_a_time():
    answering, found = knowing(small), []
    with ThreadPoolExecutor(1) as thread:
        control = Held()
        control.submit = lambda function, text: thread.submit(answering._answer, text)
        client = Client(store=MemoryStore(), executor=Held(), control=control)

        def look(evaluation):
            began = time.monotonic()
            found.append((client.lookup(small, **ASK, seed=1), time.monotonic() - began))

        client.submit(small, **ASK).add_done_callback(look)
        until(lambda: found)
    assert found[0][0] is None
    assert found[0][1] < 5
