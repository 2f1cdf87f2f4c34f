"""How far apart two architectures are: counted on their documents, whatever those hold."""

import contextlib
import copy
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import DocumentError, RecordError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.differences.nearness import apart, outline
from tests.graphs.documents.mutating import mutated


def network(*, width=4, kernel=3, activation=nn.ReLU, norm=False, dropout=False, start=None):
    def build():
        layers = [nn.Conv2d(1, width, kernel, padding=kernel // 2)]
        layers += [nn.BatchNorm2d(width)] if norm else []
        layers += [activation()]
        layers += [nn.Dropout(0.25)] if dropout else []
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
        if start:
            start(layers[0].weight)
        return nn.Sequential(*layers)

    return build


def outlined(model, shape=(1, 8, 8)):
    return outline(Architecture.from_module(model, shape, validate=False).document)


PLAIN = outlined(network())
POOL = [
    PLAIN,
    *[outlined(network(width=width, norm=norm)) for width in (4, 6) for norm in (False, True)],
    *[outlined(network(activation=activation, dropout=True)) for activation in (nn.ReLU, nn.GELU)],
    outlined(nn.Sequential(nn.Flatten(), nn.Linear(64, 10))),
]


def test_the_layers_are_the_operations():
    assert (PLAIN.size, PLAIN.parameters) == (4, 90)


def distance(a, b):
    return apart(a, b).layers


@pytest.mark.parametrize(
    ("other", "layers"),
    [
        (network(), 0),
        (network(start=nn.init.zeros_), 0),  # initialisation is no layer
        (network(kernel=5), 1),
        (network(width=6), 2),  # the convolution, and the linear layer behind it
        (network(activation=nn.GELU), 1),
        (network(dropout=True), 1),
        (network(norm=True), 1),
        (network(kernel=5, activation=nn.GELU), 2),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), 4),
    ],
)
def test_the_distance_is_the_number_of_layers_that_differ(other, layers):
    assert distance(PLAIN, outlined(other)) == layers


@given(st.sampled_from(POOL), st.sampled_from(POOL), st.sampled_from(POOL))
def test_the_distance_is_a_metric(a, b, c):
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a.layers == b.layers)
    assert distance(a, c) <= distance(a, b) + distance(b, c)
    assert distance(a, b) <= max(a.size, b.size)


def test_another_resolution_counts_once_where_the_input_is_read():
    assert distance(PLAIN, outlined(network(), (1, 16, 16))) == 1


class Joined(nn.Module):
    def __init__(self, late):
        super().__init__()
        self.late, self.head = late, nn.Linear(4, 10)
        self.first, self.second = nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        x = self.first(x)
        y = self.second(x).relu()
        x = self.second.bias[None, :, None, None] * (y if self.late else x)
        return self.head((x + y).mean((2, 3)))


def test_what_is_connected_otherwise_comes_behind_what_is_not_and_before_another_layer():
    early, late, other = (outlined(model) for model in (Joined(late=False), Joined(late=True), network()))
    assert apart(early, late).layers == 0
    assert apart(early, late).connected > 0
    assert apart(early, early) < apart(early, late) < apart(early, other)


def test_of_equally_far_ones_that_of_more_similar_size_is_nearer():
    six, nine = outlined(network(width=6)), outlined(network(width=9))
    assert apart(PLAIN, six)[:2] == apart(PLAIN, nine)[:2]
    assert apart(PLAIN, six) < apart(PLAIN, nine)


def test_the_order_of_names_and_of_edges_does_not_count_and_the_kind_of_a_number_does():
    document = Architecture.from_module(network(norm=True), (1, 8, 8), validate=False).document
    turned, other = copy.deepcopy(document), copy.deepcopy(document)
    for node in turned["nodes"]:
        node["attrs"] = dict(reversed(node["attrs"].items()))
        node["inputs"].reverse()
    (convolution,) = [node for node in other["nodes"] if node["op"] == "conv"]
    convolution["attrs"]["groups"] = 1.0
    assert outline(turned) == outline(document)
    assert distance(outline(other), outline(document)) == 1


@pytest.mark.parametrize(
    "document",
    [
        *[{}, {"nodes": 3}, {"nodes": [], "parameters": [], "buffers": []}],
        {"nodes": [3], "parameters": [], "buffers": [], "inputs": []},
        {"nodes": [], "parameters": [{"shape": [10**400]}], "buffers": [], "inputs": []},
        {"nodes": [], "parameters": [{"shape": [1] * 9}], "buffers": [], "inputs": []},
        {"nodes": [{"op": "relu", "attrs": {}, "inputs": [["x", "n9"]]}], "parameters": [], "buffers": [], "inputs": []},
        {"nodes": [{"op": ["relu"], "attrs": {}, "inputs": []}], "parameters": [], "buffers": [], "inputs": []},
        {"nodes": [{}] * 20_001, "parameters": [], "buffers": [], "inputs": []},
    ],
)
def test_what_is_no_document_is_refused(document):
    with pytest.raises(DocumentError, match="no layers can be counted"):
        outline(document)


def test_any_json_has_an_outline_or_is_refused():
    whole = Architecture.from_module(network(norm=True), (1, 8, 8), validate=False).document
    chance, counted, refused = random.Random(0), 0, 0
    for _ in range(400):
        with contextlib.suppress(RecordError):
            document = parse(
                mutated(chance, whole, {}), max_bytes=8_000_000, error=RecordError, what="entry"
            )  # as a store does
            try:
                assert distance(PLAIN, outline(document)) >= 0
                counted += 1
            except DocumentError:
                refused += 1
    assert counted > 100
    assert refused > 50


def test_it_needs_no_torch():
    code = (
        "import json, sys; from jitnas_fn.graphs.differences.nearness import outline;"
        "print(outline(json.loads(sys.stdin.read())).size, 'torch' in sys.modules)"
    )
    text = canonical(Architecture.from_module(network(), (1, 8, 8), validate=False).document)
    run = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["4", "False"]
