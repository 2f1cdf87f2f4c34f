"""A client over a held executor: what is asked once, what is shared, what is kept."""

import contextlib
import threading
from concurrent.futures import as_completed, wait

import numpy as np
import pytest
from torch import nn

from jitnas_fn import Architecture, Client, Limits, fingerprint
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import PayloadTooLarge
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, record_for, reply, trained
from tests.client.models import Respelled, Wider, small

ASK = {"dataset": "digits", "recipe": "instant"}


def held_client(**options):
    executor = Held()
    return Client(store=MemoryStore(), executor=executor, **options), executor


def test_a_miss_is_asked_for_once_and_then_a_hit():
    client, executor = held_client()
    evaluation = client.submit(small, **ASK)
    assert not evaluation.done()
    assert evaluation.source is None
    assert evaluation.key == executor.key()
    executor.answer()
    record = evaluation.result(1)
    again = client.submit(Respelled, **ASK)
    assert (evaluation.source, again.source) == ("trained", "cache")
    assert again.result(0) == record == client.lookup(small(), **ASK)
    assert len(executor.calls) == 1


def test_what_is_in_flight_is_shared():
    client, executor = held_client()
    first, second = client.submit(small, **ASK), client.submit(Respelled, **ASK)
    assert first is second
    assert len(executor.calls) == 1


def test_a_site_that_had_the_record_already_is_named_as_the_source():
    client, executor = held_client()
    evaluation = client.submit(small, **ASK)
    executor.answer(source="shared")
    assert evaluation.result(1)
    assert evaluation.source == "shared"


def test_the_seed_and_the_recipe_make_another_task():
    client, executor = held_client()
    client.submit(small, **ASK)
    client.submit(small, **ASK, seed=1)
    client.submit(small, dataset="digits", recipe="quick")
    assert len({executor.key(number) for number in range(3)}) == 3


def test_map_trains_duplicates_once_and_keeps_the_order():
    client, executor = held_client()
    evaluations = client.map([small, Wider, Respelled], **ASK, seeds=[0, 1])
    assert len(evaluations) == 6
    assert len(executor.calls) == 4
    assert evaluations[:2] == evaluations[4:]
    for number in range(4):
        executor.answer(number)
    assert set(as_completed(evaluations, timeout=1)) == set(evaluations)
    assert [evaluation.result().parts["seed"] for evaluation in evaluations] == [0, 1] * 3


def test_map_sends_nothing_if_one_model_is_refused():
    client, executor = held_client()
    with pytest.raises(TypeError):
        client.map([small, "no model"], **ASK)
    assert not executor.calls


def test_map_sends_nothing_if_one_message_is_too_large():
    client, executor = held_client()
    large = nn.Sequential(nn.Flatten(), nn.Linear(64, 40_000), nn.ReLU(), nn.Linear(40_000, 10))
    with pytest.raises(PayloadTooLarge):
        client.map([small, large], **ASK, identity="none")
    assert not executor.calls
    assert not client._flights._open


def test_map_takes_models_without_a_key_and_code():
    client, executor = held_client()
    first, second = client.map([Respelled], **ASK, identity="none", seeds=[0, 1])
    assert first.key != second.key
    client.map([small], **ASK, payload="cloudpickle")
    sent = [Envelope.from_json(text).items("tasks")[0] for _, text in executor.calls]
    assert [item["parts"]["seed"] for item in sent] == [0, 1, 0]
    assert {item["payload"]["format"] for item in sent} == {"cloudpickle"}


def test_a_seed_of_numpy_is_the_same_seed():
    client, _ = held_client()
    first = client.submit(small, **ASK, seed=np.int64(3))
    assert first is client.submit(small, **ASK, seed=3)
    assert client.map([small], **ASK, seeds=np.arange(3, 4)) == [first]


def test_many_threads_ask_for_the_same_task_and_it_is_trained_once():
    client, executor = held_client()
    found, model = [], small()
    threads = [threading.Thread(target=lambda: found.append(client.submit(model, **ASK))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == len(executor.calls) == 1


def test_a_verdict_that_a_limit_caused_answers_only_limits_no_larger():
    limited = {"seconds": 5.0, "memory_bytes": None, "device": "cpu"}
    client = Client(
        store=MemoryStore(),
        executor=Inline(
            lambda text: reply(
                [
                    {"key": item["key"], "record": record_for(item, verdict="over_time", limits=limited).to_dict()}
                    for item in Envelope.from_json(text).items("tasks")
                ]
            )
        ),
    )
    assert client.evaluate(small, **ASK, limits=Limits(seconds=5)).verdict == "over_time"
    assert client.submit(small, **ASK, limits=Limits(seconds=3)).source == "cache"
    assert client.lookup(small, **ASK) is None
    assert client.submit(small, **ASK, limits=Limits(seconds=9)).source == "trained"


def test_the_architecture_is_kept_beside_the_record():
    client, executor = held_client()
    evaluation = client.submit(small, **ASK)
    executor.answer()
    fingerprint = evaluation.result(1).parts["fingerprint"]
    document = client.store.document(fingerprint)
    assert Architecture.from_document(document).fingerprint == fingerprint


def test_an_architecture_is_a_model():
    client, _ = held_client()
    architecture = Architecture.from_json(Architecture.from_module(small, input_shape=(1, 8, 8)).to_json())
    assert client.submit(architecture, **ASK) is client.submit(small, **ASK)


def test_a_fingerprint_is_asked_for_in_few_words():
    architecture = Architecture.from_module(small, input_shape=(1, 8, 8))
    ways = [fingerprint(small), fingerprint(small, (1, 8, 8), "float32"), fingerprint(architecture)]
    assert ways == [architecture.fingerprint] * 3


def test_records_are_those_of_every_seed():
    client = Client(store=MemoryStore(), executor=Inline())
    wait(client.map([small, Wider], **ASK, seeds=[3, 1]))
    assert [record.parts["seed"] for record in client.records(Respelled, **ASK)] == [1, 3]
    assert client.records(small, dataset="digits", recipe="quick") == []


def test_an_opaque_model_is_never_a_hit():
    client = Client(store=MemoryStore(), executor=Inline())
    first, second = (client.submit(small, **ASK, identity="none") for _ in range(2))
    assert first.key != second.key
    assert first.key.startswith("opaque-")
    assert first.source == second.source == "trained"
    assert client.store.get(first.key) == first.result()
    assert client.lookup(small, **ASK) is None


def test_the_message_holds_what_a_worker_needs():
    client, executor = held_client()
    client.submit(small, **ASK, seed=5, limits=Limits(seconds=7))
    (item,) = Envelope.from_json(executor.calls[0][1]).items("tasks")
    assert len(item["run"]) == 32
    assert set(item) == {"key", "parts", "dataset", "recipe", "payload", "limits", "run"}
    assert (item["dataset"], item["recipe"]["name"], item["parts"]["seed"]) == ("digits", "instant", 5)
    assert item["limits"] == {"seconds": 7, "memory_bytes": None}
    assert Architecture.from_document(item["payload"]["document"]).fingerprint == item["parts"]["fingerprint"]


def test_the_block_of_a_client_ends_when_its_work_is_done():
    executor = Held()
    with Client(store=MemoryStore(), executor=executor) as client:
        evaluation = client.submit(small, **ASK)
        timer = threading.Timer(0.1, executor.answer)
        timer.start()
    assert evaluation.done()
    timer.join()


def test_a_block_that_fails_cancels_its_work():
    executor = Held()
    with contextlib.suppress(ZeroDivisionError), Client(store=MemoryStore(), executor=executor) as client:
        evaluation = client.submit(small, **ASK)
        _ = 1 / 0
    assert evaluation.cancelled()
    assert executor.calls[0][0].cancelled()


def test_a_client_without_a_module_given_keeps_records_in_the_home_folder(own_home):
    client = Client(executor=Inline())
    client.evaluate(small, **ASK)
    assert (own_home / "cache.jsonl").is_file()
    assert Client(executor=Inline(pytest.fail)).submit(small, **ASK).source == "cache"


def test_trained_is_what_the_fake_site_answers():
    client, executor = held_client()
    client.submit(small, **ASK)
    assert Envelope.from_json(trained(executor.calls[0][1])).error is None


def test_a_document_that_was_changed_is_another_architecture():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    architecture = Architecture.from_module(network, (1, 8, 8))
    original = architecture.fingerprint
    next(node for node in architecture.document["nodes"] if node["op"] == "conv")["attrs"]["stride"] = [2, 2]
    with Client(store=MemoryStore()) as client:
        assert client.lookup(architecture, dataset="digits", recipe="instant") is None
    assert fingerprint(architecture) != original
