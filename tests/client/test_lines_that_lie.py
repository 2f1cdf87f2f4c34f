"""Lines that say other than they hold: what is told is only what was verified, and they hide nothing."""

import pytest

from jitnas_fn import Client
from jitnas_fn.stores._lines import line_for
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.client.fakes import Inline
from tests.client.models import Wider, small

ASK = {"dataset": "digits", "recipe": "instant"}

pytestmark = pytest.mark.filterwarnings("ignore:.*damaged entr")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache.jsonl"


def widest():
    return small(channels=9)


def client_of(*stores):
    return Client(store=LayeredStore(stores), executor=Inline())


def planted(path, record, **lies):
    """The line of a record at the end of a cache, with some words replaced by others."""
    line = line_for(record)[1].decode()
    for name, (said, lie) in lies.items():
        assert f'"{name}":"{said}"' in line
        line = line.replace(f'"{name}":"{said}"', f'"{name}":"{lie}"')
    with path.open("ab") as file:
        file.write(line.encode())


def test_a_record_of_another_architecture_is_not_told_as_this_ones(path):
    record = client_of(TinyStore(path)).evaluate(Wider, **ASK, seed=7)
    asked = client_of(MemoryStore()).evaluate(small, **ASK)
    planted(path, record, fingerprint=(record.parts["fingerprint"], asked.parts["fingerprint"]))
    found = client_of(TinyStore(path)).explain(small, **ASK)
    assert (found.known, found.seeds) == (False, {})


def test_a_neighbour_is_told_with_its_own_records_only(path):
    client = client_of(TinyStore(path))
    near, other = client.evaluate(Wider, **ASK), client.evaluate(widest, **ASK)
    planted(path, other, fingerprint=(other.parts["fingerprint"], near.parts["fingerprint"]))
    found = client_of(TinyStore(path)).explain(small, **ASK)
    assert {one.fingerprint: one.records for one in found.nearest} == {
        near.parts["fingerprint"]: 1,
        other.parts["fingerprint"]: 1,
    }


@pytest.mark.parametrize("name", ["key", "fingerprint"])
def test_a_damaged_copy_hides_no_record(path, tmp_path, name):
    record = client_of(TinyStore(path)).evaluate(small, **ASK)
    said = record.key if name == "key" else record.parts["fingerprint"]
    lie = ("0" if said[0] != "0" else "1") + said[1:]
    planted(tmp_path / "other.jsonl", record, **{name: (said, lie)})
    planted(path, record, **{name: (said, lie)})
    client = client_of(TinyStore(path), TinyStore(tmp_path / "other.jsonl"))
    assert client.records(small, **ASK) == [record]
    assert client.explain(small, **ASK, seed=3).seeds == {0: 1}
