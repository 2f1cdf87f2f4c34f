"""The normal form: stable, and each rule keeps what is computed."""

import random

import pytest
import torch
from torch import nn

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.normal_form import normal_form
from jitnas_fn.tracing.rebuild import Rebuilt

UNARY = ["relu", "tanh", "sigmoid", "silu"]


def random_program(draw, steps):
    """A graph over (N, 4) with sums, products, views, pieces, zeros and layers."""
    graph = Graph()
    values = [graph.input((4,), "float64")]
    for _ in range(steps):
        x, y = draw.choice(values), draw.choice(values)
        kind = draw.randrange(9)
        if kind == 0:
            node = graph.add(draw.choice(UNARY), [("x", x)])
        elif kind == 1:
            edges = [(draw.choice(["1.0", "-1.0", "2.0", "0.3"]), v) for v in draw.choices(values, k=draw.randint(1, 3))]
            node = graph.add("sum", edges, {"constant": draw.choice([0.0, 0.0, 1.0, -0.5])})
        elif kind == 2:
            node = graph.add("prod", [("x", x), ("x", y)])
        elif kind == 3:
            inner = graph.add("reshape", [("x", x)], {"shape": [-1, 2, 2]})
            node = graph.add("reshape", [("x", graph.add("permute", [("x", inner)], {"axes": [0, 2, 1]}))], {"shape": [-1, 4]})
        elif kind == 4:
            halves = [graph.add("slice", [("x", x)], {"axis": 1, "start": s, "stop": s + 2, "step": 1}) for s in (2, 0)]
            node = graph.add("cat", [(str(i), half) for i, half in enumerate(halves)], {"axis": 1})
        elif kind == 5:
            weight = graph.parameter((4, 4), {"uniform": [-0.5, 0.5]}, dtype="float64")
            node = graph.add("linear", [("x", x), ("weight", weight)])
        elif kind == 6:
            node = graph.add("full", [], {"shape": [-1, 4], "value": draw.choice([0.0, 0.0, 1.5]), "dtype": "float64"})
        elif kind == 7:
            mean = graph.add("mean", [("x", x)], {"axes": [1]})
            node = graph.add("expand", [("x", graph.add("reshape", [("x", mean)], {"shape": [-1, 1]}))], {"shape": [-1, 4]})
        else:
            node = graph.add("quotient", [("x", x)], {"divisor": draw.choice([1.0, 3.0])})
        values.append(node)
    graph.outputs = [values[-1]]
    return graph


def run(graph, x, weights):
    """The graph as it stands, without normal form: parameters by the index at which they were first written."""
    network = Rebuilt.__new__(Rebuilt)
    nn.Module.__init__(network)
    from jitnas_fn.tracing.run import runner

    values = {}
    for i, node in enumerate(graph.nodes):
        if node.op == "input":
            values[i] = x
        elif node.op == "parameter":
            values[i] = weights.setdefault(node.origin, torch.randn(node.shape, dtype=torch.float64))
        else:
            values[i] = runner(node, graph, i)(values, network, len(x))
    return values[graph.outputs[0]]


def test_random_programs_compute_the_same_in_normal_form_and_are_stable():
    draw = random.Random(5)
    torch.manual_seed(5)
    for _ in range(300):
        graph, weights = random_program(draw, draw.randint(2, 14)), {}
        simple = normal_form(graph)
        assert normal_form(simple) == simple
        x = torch.randn(3, 4, dtype=torch.float64)
        assert torch.allclose(run(graph, x, weights), run(simple, x, weights), rtol=1e-9, atol=1e-9)
        first = Architecture.from_graph(graph)
        assert Architecture.from_json(first.to_json()).fingerprint == first.fingerprint


@pytest.mark.parametrize("op", ["conv", "linear"])
def test_zeros_pass_a_layer_only_without_a_bias(op):
    layer = {"conv": lambda bias: nn.Conv2d(3, 3, 1, bias=bias), "linear": lambda bias: nn.Linear(4, 4, bias=bias)}[op]

    class Added(nn.Module):
        def __init__(self, bias):
            super().__init__()
            self.layer = layer(bias)

        def forward(self, x):
            return x.relu() + self.layer(0 * x)

    counts = [Architecture.from_module(lambda b=b: Added(b), input_shape=(3, 4, 4)).parameters for b in (False, True)]
    assert counts[0] == 0
    assert counts[1] > 0
