"""What is asked on the control path: about one run where it is known, about any run of the key where it is not."""

import pytest

from jitnas_fn.client import Evaluation
from jitnas_fn.client import control as control_module
from jitnas_fn.client.control import Item, in_process, through, told_of_all
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import SiteUnavailable
from tests.client.fakes import Held, Inline

KEY, RUN = "a" * 64, "1" * 32


def _cancelling(text):
    envelope = Envelope.from_json(text)
    return Envelope(envelope.verb, {"results": [{"key": KEY, "state": "cancelling"}]}).to_json()


@pytest.mark.parametrize(("run", "sent"), [(RUN, {"keys": [KEY], "runs": [RUN]}), (None, {"keys": [KEY]})])
def test_an_evaluation_asks_about_its_own_run(run, sent):
    control, executor = Inline(_cancelling), Held()
    evaluation = Evaluation(KEY, ask=through(control), run=run)
    evaluation.follow(executor.submit(None, ""))
    executor.begin()
    evaluation.status()
    assert evaluation.cancel()
    assert [Envelope.from_json(text).verb for text in control.asked] == ["status", "cancel"]
    assert [Envelope.from_json(text).body for text in control.asked] == [sent, sent]


@pytest.mark.parametrize("run", [RUN, None])
def test_this_process_answers_about_a_run(run):
    assert in_process("status", [Item(KEY, run)]) == [{"key": KEY, "state": "unknown"}]


def test_a_control_path_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(control_module, "ANSWER_SECONDS", 0.1)
    with pytest.raises(SiteUnavailable, match="no answer to status from the site"):
        through(Held())("status", [Item(KEY, RUN)])


def test_what_is_trained_for_somebody_else_is_asked_after_by_its_key_alone():
    control, executor = Inline(_cancelling), Held()
    evaluation = Evaluation(KEY, ask=through(control), run=RUN)
    evaluation.follow(executor.submit(None, ""))
    evaluation.wait_for_another()
    evaluation.status()
    assert Envelope.from_json(control.asked[0]).body == {"keys": [KEY]}


def test_many_are_asked_about_in_messages_of_a_bounded_size(monkeypatch):
    monkeypatch.setattr(control_module, "BATCH", 3)
    control = Inline(lambda text: _told_of(Envelope.from_json(text)))
    items = [Item(KEY, f"{number:032x}") for number in range(8)]
    assert len(told_of_all(through(control), "cancel", items)) == 8
    assert [len(Envelope.from_json(text).items("keys")) for text in control.asked] == [3, 3, 2]


def _told_of(envelope):
    return Envelope(envelope.verb, {"results": [{"key": key, "state": "x"} for key in envelope.items("keys")]}).to_json()


@pytest.mark.parametrize("keys", [[], [KEY], [KEY, KEY, KEY], [KEY, "b" * 64]])
def test_an_answer_about_other_keys_is_none(keys):
    control = Inline(lambda text: Envelope("status", {"results": [{"key": key, "state": "x"} for key in keys]}).to_json())
    assert told_of_all(through(control), "status", [Item(KEY, RUN), Item(KEY, RUN)]) is None
