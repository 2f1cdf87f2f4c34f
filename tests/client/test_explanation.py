"""Why a look-up missed, in plain words."""

import dataclasses
import json
from concurrent.futures import wait

import pytest

from jitnas_fn import Client, Limits
from jitnas_fn.core.codec import digest
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.task import key_of
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Inline, record_for, reply
from tests.client.models import Respelled, Wider, small

ASK = {"dataset": "digits", "recipe": "instant"}


@pytest.fixture
def client():
    return Client(store=MemoryStore(), executor=Inline())


def on(client, record, **parts):
    """Keep a copy of `record` with other parts in its key."""
    parts = {**record.parts, **parts}
    client.store.put(dataclasses.replace(record, key=key_of(parts), parts=parts).sealed())


def test_nothing_is_known_of_the_architecture(client):
    client.evaluate(Wider, **ASK)
    found = client.explain(small, **ASK)
    assert not found.known
    assert "Nothing is known of this architecture; 1 record of others" in str(found)


def test_it_is_known(client):
    client.evaluate(small, **ASK)
    found = client.explain(Respelled, **ASK)
    assert found.answers == 1
    assert str(found).startswith("Known: 1 record")


def test_it_is_known_with_other_seeds_and_recipes(client):
    wait(client.map([small], **ASK, seeds=[1, 2]))
    client.evaluate(small, dataset="digits", recipe="quick", seed=9)
    found = client.explain(Respelled, **ASK)
    assert (found.answers, found.seeds, found.recipes) == (0, {1: 1, 2: 1}, {"quick": 1})
    assert "Known with another seed: 1, 2 (2 records)." in str(found)
    assert "Known with another recipe: quick (1 record)." in str(found)


def test_it_is_known_on_another_version_of_the_dataset_and_on_another_dataset(client):
    record = client.evaluate(small, **ASK, seed=4)
    on(client, dataclasses.replace(record, dataset={**record.dataset, "version": "0"}), dataset=digest("before"))
    on(client, dataclasses.replace(record, dataset={**record.dataset, "name": "fashion"}), dataset=digest("fashion"))
    found = client.explain(small, **ASK)
    assert (found.versions, found.datasets, found.seeds) == ({"0": 1}, {"fashion": 1}, {4: 1})
    assert "on another version of digits: 0" in str(found)
    assert "on another dataset: fashion" in str(found)


def test_it_is_known_under_a_smaller_limit():
    def over_time(text):
        (item,) = Envelope.from_json(text).items("tasks")
        limits = {"seconds": 2.0, "memory_bytes": None, "device": "cpu"}
        return reply([{"key": item["key"], "record": record_for(item, verdict="over_time", limits=limits).to_dict()}])

    client = Client(store=MemoryStore(), executor=Inline(over_time))
    client.evaluate(small, **ASK, limits=Limits(seconds=2))
    found = client.explain(small, **ASK)
    assert found.limited == {"over_time": 1}
    assert "Known as over_time under a smaller limit" in str(found)
    assert client.explain(small, **ASK, limits=Limits(seconds=1)).answers == 1


def test_an_explanation_is_json_too(client):
    client.evaluate(small, **ASK, seed=1)
    fields = json.loads(json.dumps(client.explain(small, **ASK).to_dict()))
    assert fields["seeds"] == {"1": 1}
    assert fields["known"] is True
