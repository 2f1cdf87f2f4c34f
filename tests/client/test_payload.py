"""Pickled payloads: local code by value, structure without weights, the user's model untouched."""

import base64
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn

from jitnas_fn import Client, fingerprint
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held
from tests.client.models import Respelled, Unkeyable, small


def sent(model, **options):
    executor = Held()
    Client(store=MemoryStore(), executor=executor).submit(model, dataset="digits", recipe="instant", **options)
    (item,) = Envelope.from_json(executor.calls[0][1]).items("tasks")
    return item["payload"]


def unpickled(payload):
    return pickle.loads(base64.b64decode(payload["data"]))


def test_a_keyed_payload_holds_the_structure_and_no_weights():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2000), nn.ReLU(), nn.Linear(2000, 10))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    payload = sent(model, payload="cloudpickle")
    assert len(payload["data"]) < 20_000
    assert (payload["format"], payload["input_shape"], payload["dtype"]) == ("cloudpickle", [1, 8, 8], "float32")
    copy = unpickled(payload)
    assert all(parameter.is_meta for parameter in copy.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert fingerprint(copy, input_shape=(1, 8, 8)) == fingerprint(model, input_shape=(1, 8, 8))


def test_shared_weights_stay_shared_and_constants_stay_what_they_are():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Parameter(torch.zeros(64))
            self.shared = nn.Linear(64, 64)
            self.again = self.shared
            self.last = nn.Linear(64, 10)

        def forward(self, x):
            x = x.flatten(1)
            return self.last(self.again(self.shared(x)) * self.gate)

    model = Gated()
    copy = unpickled(sent(model, payload="cloudpickle"))
    assert copy.shared is copy.again
    assert torch.equal(copy.gate, torch.zeros(64))
    assert fingerprint(copy, input_shape=(1, 8, 8)) == fingerprint(model, input_shape=(1, 8, 8))


def test_an_opaque_payload_travels_with_its_weights():
    model = small()
    copy = unpickled(sent(model, identity="none"))
    assert all(torch.equal(a, b) for a, b in zip(copy.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize("model", [Respelled, Respelled(), Unkeyable])
def test_local_code_travels_by_value(model, tmp_path):
    payload = sent(model, identity="none")
    (tmp_path / "payload").write_text(payload["data"], "ascii")
    script = (
        "import base64, pickle, sys; model = pickle.loads(base64.b64decode(open('payload').read())); "
        "assert not any(name.startswith('tests') for name in sys.modules); print(model)"
    )
    run = subprocess.run([sys.executable, "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_register_of_modules_is_left_as_it_was():
    import cloudpickle

    before = cloudpickle.list_registry_pickle_by_value()
    sent(Respelled, identity="none")
    assert cloudpickle.list_registry_pickle_by_value() == before
