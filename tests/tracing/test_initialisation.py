"""What construction did to a parameter is what the document says."""

import math

import pytest
import torch
from torch import nn

from jitnas_fn.graphs.architecture import Architecture
from tests.tracing.numerics import Net

STARTS = {
    "zeros": (lambda w: nn.init.zeros_(w), {"const": 0.0}),
    "ones": (lambda w: nn.init.ones_(w), {"const": 1.0}),
    "constant": (lambda w: nn.init.constant_(w, 0.1), {"const": 0.1}),
    "uniform": (lambda w: nn.init.uniform_(w, -2, 3), {"uniform": [-2.0, 3.0]}),
    "normal": (lambda w: nn.init.normal_(w, 1, 0.5), {"normal": [1.0, 0.5]}),
    "truncated": (lambda w: nn.init.trunc_normal_(w, 0, 0.02, -0.04, 0.04), {"trunc_normal": [0.0, 0.02, -0.04, 0.04]}),
    "xavier uniform": (lambda w: nn.init.xavier_uniform_(w), {"uniform": [-math.sqrt(6 / 11), math.sqrt(6 / 11)]}),
    "xavier normal": (lambda w: nn.init.xavier_normal_(w), {"normal": [0.0, math.sqrt(2 / 11)]}),
    "kaiming uniform": (lambda w: nn.init.kaiming_uniform_(w), {"uniform": [-math.sqrt(6 / 5), math.sqrt(6 / 5)]}),
    "kaiming normal": (lambda w: nn.init.kaiming_normal_(w, mode="fan_out"), {"normal": [0.0, math.sqrt(2 / 6)]}),
    "scaled": (lambda w: w.normal_().mul_(0.5).add_(1), {"normal": [1.0, 0.5]}),
    "last": (lambda w: nn.init.normal_(nn.init.zeros_(w)), {"normal": [0.0, 1.0]}),
    "shifted": (lambda w: w.uniform_().sub_(0.5).mul_(2), {"uniform": [-1.0, 1.0]}),
}


@pytest.mark.parametrize("name", STARTS)
def test_an_initialisation_is_read_with_its_numbers(name):
    fill, expected = STARTS[name]

    def build():
        weight = nn.Parameter(torch.empty(6, 5))
        with torch.no_grad():
            fill(weight)
        return Net(lambda s, x: nn.functional.linear(x, s.w), w=weight)

    (found,) = Architecture.from_module(build, input_shape=(5,)).document["parameters"]
    assert list(found["init"]) == list(expected)
    assert next(iter(found["init"].values())) == pytest.approx(next(iter(expected.values())), rel=1e-6, abs=1e-6)


def test_the_defaults_of_layers_are_pytorchs():
    document = Architecture.from_module(
        nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.PReLU()), input_shape=(4,)
    ).document
    assert sorted(str(p["init"]) for p in document["parameters"]) == sorted(
        map(str, [{"uniform": [-0.5, 0.5]}, {"uniform": [-0.5, 0.5]}, {"const": 1.0}, {"const": 0.0}, {"const": 0.25}])
    )
