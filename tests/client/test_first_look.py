"""What a client asks a site before it asks for a training: many tasks in one question, and who else has asked."""

import threading

import pytest

from jitnas_fn import Client
from jitnas_fn.client import elsewhere, first_look
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import NotAllowed
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, record_for
from tests.client.models import small
from tests.waiting import until

ASK = {"dataset": "digits", "recipe": "instant"}


def keys_of(text):
    return Envelope.from_json(text).items("keys")


def lookup(results):
    return Envelope("lookup", {"results": results}).to_json()


def knowing_nothing(text):
    return lookup([{"key": key, "record": None, "in_flight": None} for key in keys_of(text)])


def queued(text):
    held = {"site": "s", "silent_seconds": 1.0, "queued": True}
    return lookup([{"key": key, "record": None, "in_flight": held} for key in keys_of(text)])


class Told(Inline):
    """A site that can be told what to answer."""

    def keys(self, number):
        return keys_of(self.asked[number])


def a_client(control, executor=None):
    executor = Held() if executor is None else executor
    return Client(store=MemoryStore(), executor=executor, control=control), executor


def test_many_tasks_are_one_question(monkeypatch):
    monkeypatch.setattr(first_look, "LINGER_SECONDS", 0.2)
    control = Told(knowing_nothing)
    client, executor = a_client(control)
    evaluations = client.map([small], **ASK, seeds=range(50))
    until(lambda: len(executor.calls) == 50)
    assert control.keys(0) == [one.key for one in evaluations]
    assert len(control.asked) == 1


def test_no_question_is_larger_than_a_batch(monkeypatch):
    monkeypatch.setattr(first_look, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(first_look, "BATCH", 20)
    control = Told(knowing_nothing)
    client, executor = a_client(control)
    client.map([small], **ASK, seeds=range(50))
    until(lambda: len(executor.calls) == 50)
    assert [len(control.keys(number)) for number in range(3)] == [20, 20, 10]


def test_a_question_says_in_whose_name_it_is_asked():
    control = Told(knowing_nothing)
    client, executor = a_client(control)
    client.submit(small, **ASK)
    sent = Envelope.from_json(executor.call()[1]).items("tasks")[0]
    asked = Envelope.from_json(control.asked[0]).body
    assert asked["runs"] == [sent["run"]]
    assert asked["in_flight"] is True


def test_what_somebody_else_has_asked_for_is_not_sent_until_nobody_has_any_more(monkeypatch):
    control = Told(queued)
    client, executor = a_client(control)
    evaluation = client.submit(small, **ASK)
    until(lambda: len(control.asked) > 2)
    assert executor.calls == []
    assert evaluation.status().state == "in flight"
    control.answering = knowing_nothing
    executor.answer()
    assert evaluation.result(5).verdict == "trained"


def test_what_found_no_place_in_an_answer_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(first_look, "LINGER_SECONDS", 0.2)
    records = {}

    def one_at_a_time(text):
        first, *others = keys_of(text)
        left = [{"key": key, "record": None, "left_out": True} for key in others]
        return lookup([{"key": first, "record": records[first].to_dict()}, *left])

    other, executor = a_client(Told(knowing_nothing))
    other.map([small], **ASK, seeds=range(3))
    for number in range(3):
        item = Envelope.from_json(executor.call(number)[1]).items("tasks")[0]
        records[item["key"]] = record_for(item)
    client, executor = a_client(Told(one_at_a_time))
    evaluations = client.map([small], **ASK, seeds=range(3))
    assert [one.result(5).key for one in evaluations] == list(records)
    assert {one.source for one in evaluations} == {"shared"}
    assert executor.calls == []


def test_a_site_that_leaves_all_out_is_asked_but_once():
    def nothing_fits(text):
        return lookup([{"key": key, "record": None, "left_out": True} for key in keys_of(text)])

    control = Told(nothing_fits)
    client, executor = a_client(control)
    client.submit(small, **ASK)
    executor.call()
    assert len(control.asked) == 1


def test_an_answer_that_comes_after_the_patience_is_over_trains_nothing_twice(monkeypatch):
    monkeypatch.setattr(first_look, "PATIENCE_SECONDS", 0.1)
    control = Held()
    client, executor = a_client(control)
    client.submit(small, **ASK)
    executor.call()
    control.answer(text=knowing_nothing(control.call()[1]))
    later = threading.Event()
    client._flights._dispatch._later.call(later.set)
    assert later.wait(5)
    assert len(executor.calls) == 1


@pytest.mark.parametrize("answer", ["no", "{}", lookup([]), lookup([{"key": 3}])])
def test_an_answer_that_makes_no_sense_is_none(answer):
    client, executor = a_client(Told(lambda text: answer))
    client.submit(small, **ASK)
    executor.call()


def test_what_found_no_place_in_an_answer_goes_on_being_waited_for(monkeypatch):
    monkeypatch.setattr(elsewhere, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(elsewhere, "MOST_SECONDS", 0.02)
    control = Told(queued)
    client, executor = a_client(control)
    evaluation = client.submit(small, **ASK)
    until(lambda: len(control.asked) > 2)
    control.answering = lambda text: lookup([{"key": key, "record": None, "left_out": True} for key in keys_of(text)])
    asked = len(control.asked)
    until(lambda: len(control.asked) > asked + 3)
    assert executor.calls == []
    assert not evaluation.done()


def test_whoever_asks_first_prepares_the_control_path_in_his_own_thread():
    control = Told(knowing_nothing)
    threads = []
    control.prepare = lambda: threads.append(threading.current_thread())
    client, executor = a_client(control)
    client.submit(small, **ASK)
    executor.call()
    assert threads == [threading.current_thread()]


def test_a_control_path_that_cannot_be_prepared_ends_the_evaluation():
    control = Told(knowing_nothing)

    def refuse():
        raise NotAllowed("log in first")

    control.prepare = refuse
    client, executor = a_client(control)
    with pytest.raises(NotAllowed, match="log in first"):
        client.submit(small, **ASK)
    assert executor.calls == []
