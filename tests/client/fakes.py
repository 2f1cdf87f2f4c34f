"""Executors that stand for a site: they answer when the test says so, and as it says. And a disk that is full."""

import dataclasses
from concurrent.futures import Executor, Future

from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.task import key_of
from jitnas_fn.stores.memory import MemoryStore
from tests.samples import a_record
from tests.waiting import until


def record_for(item, *, verdict="trained", limits=None, trust="local"):
    """A sealed record of the task in one item of a train message."""
    shown = {"name": item["dataset"], "version": "1", "task": "classification", "metric": "accuracy", "direction": "maximise"}
    made = dataclasses.replace(
        a_record(trust=trust),
        key=key_of(item["parts"]),
        parts=item["parts"],
        dataset=shown,
        recipe=item["recipe"],
        verdict=verdict,
        limits=limits,
    )
    return made.sealed()


def trained(text, *, source=None):
    """The reply to a train message."""
    results = [{"key": item["key"], "record": record_for(item).to_dict()} for item in Envelope.from_json(text).items("tasks")]
    return reply([result | ({} if source is None else {"source": source}) for result in results])


def reply(results):
    return Envelope("train", {"results": results}).to_json()


def failing(error):
    """What raises the error instead of answering."""

    def answer(text):
        raise error

    return answer


class Held(Executor):
    """Holds every call until the test answers it. Where a client asks a control path first, the call comes a moment later."""

    def __init__(self):
        self.calls = []

    def submit(self, function, text):
        future = Future()
        self.calls.append((future, text))
        return future

    def call(self, number=0):
        until(lambda: len(self.calls) > number)
        return self.calls[number]

    def begin(self, number=0):
        assert self.call(number)[0].set_running_or_notify_cancel()

    def answer(self, number=0, text=None, *, source=None):
        future, asked = self.call(number)
        future.set_result(trained(asked, source=source) if text is None else text)

    def key(self, number=0):
        return Envelope.from_json(self.call(number)[1]).items("tasks")[0]["key"]


class Inline(Executor):
    """Answers every call at once, with `answering(text)`."""

    def __init__(self, answering=trained):
        self.answering = answering
        self.asked = []

    def submit(self, function, text):
        self.asked.append(text)
        future = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(self.answering(text))
        except Exception as error:  # noqa: BLE001  that is what an executor does
            future.set_exception(error)
        return future


class Odd(Inline):
    """Answers `submit` with what is no future."""

    def __init__(self, reply):
        super().__init__()
        self.reply = reply

    def submit(self, function, text):
        return self.reply


class FullStore(MemoryStore):
    """A disk without space."""

    def append(self, entry):
        raise StoreError("no space left on device")
