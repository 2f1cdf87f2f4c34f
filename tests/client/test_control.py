"""What is asked on the control path: about one run where it is known, about any run of the key where it is not."""

import pytest

from jitnas_fn.client import Evaluation
from jitnas_fn.client.control import Item, in_process, through
from jitnas_fn.core.envelope import Envelope
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
