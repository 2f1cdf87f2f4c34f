"""A table as an executor: any client works on it, nothing is trained, and a clock says how long it would have taken."""

from concurrent.futures import as_completed

import pytest

from jitnas_fn import Client, open_table
from jitnas_fn.backends.table import table as table_executor
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import NotAllowed, NotTabulated, TaskError
from jitnas_fn.spaces.nasbench201 import SPACE
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task
from tests.tables import small

CODES = [f"33333{last}" for last in range(5)] + [f"3333{last}3" for last in (0, 1, 2, 4)] + [f"333{last}33" for last in (0, 1)]
ASK = {"dataset": "cifar10", "recipe": "nasbench201_200"}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    return open_table("nasbench201", small.written(small.nasbench201(CODES, timed=10), tmp_path / "table.csv"))


def network(code):
    return SPACE.architecture(tuple(map(int, code)), (3, 32, 32), 10)


def test_a_client_is_answered_from_the_table_and_time_passes(store):
    executor = table_executor(store)
    client = Client(store=MemoryStore(), executor=executor, accept_imported=True)
    evaluations = client.map([network(code) for code in CODES[:3]], **ASK)
    found = [evaluation.result(timeout=30) for evaluation in as_completed(evaluations)]
    assert sorted(record.provenance["index"] for record in found) == ["0", "1", "2"]
    assert executor.clock == 100 + 110 + 120
    assert (executor.estimated, executor.untimed) == (0, 0)


def test_what_a_table_tells_stays_in_the_table(store):
    kept = MemoryStore()
    Client(store=kept, executor=table_executor(store), accept_imported=True).evaluate(network(CODES[0]), **ASK)
    assert len(kept) == 0
    assert list(kept.every_line()) == []


def test_workers_beside_each_other_take_what_is_next(store):
    executor = table_executor(store, workers=2)
    client = Client(store=MemoryStore(), executor=executor, accept_imported=True)
    for code in CODES[:4]:  # 100 and 110 first, then 120 after the first and 130 after the second
        client.evaluate(network(code), **ASK)
    assert executor.clock == 110 + 130
    assert executor.beside(None) == 2


def test_judged_times_are_counted(store):
    executor = table_executor(store)
    client = Client(store=MemoryStore(), executor=executor, accept_imported=True)
    client.evaluate(network(CODES[10]), **ASK)
    assert executor.clock == pytest.approx(200)
    assert executor.estimated == 1


def test_what_is_not_in_the_table_is_told(store):
    client = Client(store=MemoryStore(), executor=table_executor(store), accept_imported=True)
    with pytest.raises(NotTabulated, match="the table has no record of key"):
        client.evaluate(network("111111"), **ASK)


def test_nothing_is_trained_by_a_published_recipe_on_this_machine(store):
    client = Client(store=MemoryStore(), accept_imported=True)
    with pytest.raises(NotTabulated, match="names what others have trained"):
        client.evaluate(network("111111"), **ASK)
    client.close()


def test_whoever_does_not_accept_what_others_have_published_gets_none_of_it(store):
    client = Client(store=store, executor=table_executor(store))
    with pytest.raises(NotAllowed, match="accept_imported=True"):
        client.submit(network(CODES[0]), **ASK)
    with pytest.raises(NotAllowed, match="accept_imported=True"):
        client.lookup(network(CODES[0]), **ASK)


@pytest.mark.parametrize("message", ["", "{", '{"protocol":1,"verb":"ping","error":null}', '{"protocol":9}', None, 7])
def test_messages_that_it_does_not_answer_are_told_in_the_reply(store, message):
    reply = Envelope.from_json(table_executor(store).submit(run_task, message).result())
    assert reply.error is not None


def test_a_look_up_is_answered(store):
    key = next(store.records()).key
    asked = Envelope("lookup", {"keys": [key, "0" * 64]}).to_json()
    known, unknown = Envelope.from_json(table_executor(store).submit(run_task, asked).result()).items("results")
    assert known["record"]["key"] == key
    assert unknown["record"] is None


@pytest.mark.parametrize("workers", [0, -1])
def test_a_cluster_without_workers_is_refused(store, workers):
    with pytest.raises(TaskError, match="at least one worker"):
        table_executor(store, workers=workers)


def test_records_without_a_time_are_counted(tmp_path):
    untimed = open_table("nasbench201", small.written(small.nasbench201(CODES), tmp_path / "untimed.csv"))
    executor = table_executor(untimed)
    Client(store=MemoryStore(), executor=executor, accept_imported=True).evaluate(network(CODES[0]), **ASK)
    assert (executor.clock, executor.untimed) == (0.0, 1)


def test_many_models_are_answered_only_where_that_is_accepted(store):
    with pytest.raises(NotAllowed, match="accept_imported=True"):
        Client(store=store).map([network(CODES[0])], **ASK)


def test_a_task_without_a_key_is_told_in_the_reply(store):
    reply = Envelope.from_json(table_executor(store).submit(run_task, Envelope("train", {"tasks": [{}]}).to_json()).result())
    assert reply.error is not None
