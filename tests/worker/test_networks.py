"""What a fresh child makes of a pickled model, tried in this process."""

import base64

import cloudpickle
import pytest
import torch
from torch import nn

from jitnas_fn.client.payload import pickled
from jitnas_fn.core import shelf
from jitnas_fn.core.errors import EnvelopeError, FingerprintMismatch, ModelFailed, NotAModel, OutputMismatch
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.worker.networks import network_of
from tests.client.models import Unkeyable, small

OPAQUE = {"fingerprint": "opaque-12345678-1234-1234-1234-123456789abc", "seed": 0}
CARD, RECIPE = shelf.take("datasets", "synthetic").DATASET, shelf.take("recipes", "instant").RECIPE
SAMPLE = torch.zeros(2, 1, 8, 8)


def _network(model, *, parts=OPAQUE, weights=False, initialisation="as built"):
    payload = pickled(model, input_shape=(1, 8, 8), dtype="float32", weights=weights)
    return network_of({**payload, "initialisation": initialisation}, parts, card=CARD, recipe=RECIPE, sample=SAMPLE)


def test_parameters_that_travelled_without_values_are_drawn_anew():
    network, size = _network(Unkeyable())
    assert size == {"parameters": 60, "macs": None, "counter": None}
    assert not any(parameter.is_meta for parameter in network.parameters())
    again, _ = _network(Unkeyable())
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), again.parameters(), strict=True))


def test_parameters_that_travelled_with_their_values_keep_them():
    model = Unkeyable()
    network, _ = _network(model, weights=True)
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), model.parameters(), strict=True))


def test_a_callable_is_called():
    network, size = _network(Unkeyable)
    assert isinstance(network, nn.Module)
    assert size["parameters"] == 60


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.last = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0])), nn.Linear(64, 4)

    def forward(self, x):
        return self.last(x.flatten(1)) * self.scale


def test_a_parameter_that_nobody_can_draw_anew_asks_for_a_callable():
    with pytest.raises(ModelFailed, match=r"the model \(Scaled\) cannot draw its parameters anew: pass a callable"):
        _network(Scaled())
    assert _network(Scaled)[1]["parameters"] == 264


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.last = nn.Parameter(torch.ones(4)), nn.Linear(64, 4)

    def forward(self, x):
        return self.last(x.flatten(1)) * self.gate


def test_a_constant_parameter_keeps_its_value_and_can_be_trained():
    network, _ = _network(Gated())
    assert network.gate.tolist() == [1, 1, 1, 1]
    with torch.no_grad():
        network.gate[0] += 1
    assert network.gate.tolist() == [2, 1, 1, 1]


class Twice(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :4], x


@pytest.mark.parametrize(("model", "words"), [(Twice, "answers tuple"), (small, "answers 10")])
def test_what_does_not_fit_is_refused(model, words):
    with pytest.raises(OutputMismatch, match=words):
        _network(model)


@pytest.mark.parametrize("model", [5, lambda: 5])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(NotAModel, match="the pickled model is a int"):
        _network(model)


def test_text_that_is_not_base64_is_refused():
    with pytest.raises(EnvelopeError, match="no base64"):
        network_of({"format": "cloudpickle", "data": "é"}, OPAQUE, card=CARD, recipe=RECIPE, sample=SAMPLE)


def test_a_pickle_of_something_that_is_missing_here_says_so():
    data = base64.b64encode(cloudpickle.dumps(small).replace(b"tests", b"texts")).decode()
    with pytest.raises(ModelFailed, match=r"cannot be loaded here \(ModuleNotFoundError"):
        network_of({"format": "cloudpickle", "data": data}, OPAQUE, card=CARD, recipe=RECIPE, sample=SAMPLE)


def _zeros():
    model = small(outputs=4)
    nn.init.zeros_(model[4].weight)
    return model


def test_an_initialisation_that_the_client_waived_is_waived_here_too():
    plain = Architecture.from_module(lambda: small(outputs=4), input_shape=(1, 8, 8))
    parts = {"fingerprint": plain.fingerprint, "seed": 0}
    assert _network(_zeros, parts=parts, initialisation="default")[1]["parameters"] == 60
    with pytest.raises(FingerprintMismatch, match="announced"):
        _network(_zeros, parts=parts)
