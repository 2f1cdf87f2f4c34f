"""Where two architectures differ, in words: true, telling, and never silent."""

import copy
import random
import time

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.differences.difference import MOST, difference
from jitnas_fn.graphs.graph import Graph
from tests.golden.models import IMAGE, MODELS


def convolutional(
    *, padding=1, kernel=3, width=16, bias=True, activation=nn.ReLU, norm=False, dropout=0.0, start=None, frozen=False
):
    def build():
        layers = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, width, kernel, padding=padding, bias=bias)]
        layers += [nn.BatchNorm2d(width)] if norm else []
        layers += [activation(), nn.MaxPool2d(2)]
        layers += [nn.Dropout(dropout)] if dropout else []
        layers += [nn.Conv2d(width, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
        if start:
            start(layers[0].weight)
        if frozen:
            layers[0].requires_grad_(False)
        return nn.Sequential(*layers)

    return build


class Residual(nn.Module):
    def __init__(self, blocks=3, tied=False, skips="near"):
        super().__init__()
        self.stem, self.head, self.skips = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 10), skips
        self.first = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(blocks))
        if tied:
            self.second[0] = self.first[0]

    def forward(self, x):
        stem = x = self.stem(x).relu()
        for first, norm, second in zip(self.first, self.norms, self.second, strict=True):
            from_last = second is self.second[-1] and self.skips == "far"
            x = F.relu(second(norm(first(x)).relu()) + (stem if from_last else x))
        return self.head(x.mean((2, 3)))


class Joined(nn.Module):
    def __init__(self, swapped=False, factor=1.0):
        super().__init__()
        self.wide, self.narrow, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1), nn.Linear(8, 10)
        self.swapped, self.factor = swapped, factor

    def forward(self, x):
        parts = [self.wide(x), self.narrow(x)]
        x = torch.cat(parts[::-1] if self.swapped else parts, 1)
        return self.head((self.factor * x + torch.tanh(x)).mean((2, 3)))


def traced(build, shape=(3, 8, 8)):
    return Architecture.from_module(build, input_shape=shape)


def told(one, other):
    return difference(traced(one), traced(other)).sentences


STARTS = "uniform in ±0.19245 in A, normal with mean 0 and deviation 0.02 in B"
FACTORS = "the concatenation ×1 in A, ×0.5 in B"
SIZES = "A has 6,362 parameters and 163,658 multiply-adds, B {}."


@pytest.mark.parametrize(
    ("one", "other", "sentences"),
    [
        (
            convolutional(),
            convolutional(padding=0),
            ["The 2nd convolution (8→16, 3×3, bias): padding 1 in A, 0 in B.", "A has 163,658 multiply-adds, B 98,474."],
        ),
        (
            convolutional(),
            convolutional(kernel=5, padding=2),
            [
                "The 2nd convolution (8→16, bias): kernel 3×3 in A, 5×5 in B; padding 1 in A, 2 in B.",
                SIZES.format("8,410 and 294,730"),
            ],
        ),
        (convolutional(), convolutional(activation=nn.Tanh), ["The 2nd ReLU of A is a tanh in B."]),
        (
            convolutional(),
            convolutional(norm=True),
            ["B has a batch norm that A lacks, after the 2nd convolution.", "A has 6,362 parameters, B 6,394."],
        ),
        (convolutional(dropout=0.2), convolutional(), ["A has a dropout that B lacks, after the max pooling."]),
        (convolutional(dropout=0.1), convolutional(dropout=0.2), ["The dropout: probability 0.1 in A, 0.2 in B."]),
        (
            convolutional(),
            convolutional(width=24),
            [
                "The 2nd convolution (3×3, bias, padding 1): output channels 16 in A, 24 in B.",
                "The 3rd convolution (3×3, bias, padding 1): input channels 16 in A, 24 in B.",
                SIZES.format("9,250 and 237,898"),
            ],
        ),
        (
            convolutional(),
            convolutional(bias=False),
            [
                "The 2nd convolution (8→16, 3×3, padding 1): with bias in A, without in B.",
                SIZES.format("6,346 and 162,634"),
            ],
        ),
        (
            convolutional(),
            convolutional(start=lambda weight: nn.init.normal_(weight, 0.0, 0.02)),
            [f"The 1st convolution (3→8, 3×3, bias): weight starting {STARTS}."],
        ),
        (
            convolutional(),
            convolutional(frozen=True),
            ["The 1st convolution (3→8, 3×3, bias): bias and weight trained in A, frozen in B."],
        ),
        (
            Residual,
            lambda: Residual(tied=True),
            [
                "The 2nd convolution and the 3rd convolution share their weight in B, not in A.",
                "A has 3,818 parameters, B 3,242.",
            ],
        ),
        (
            Residual,
            lambda: Residual(skips="far"),
            [
                "The same layers with the same attributes, wired differently.",
                "The 3rd addition reads the 5th ReLU in A, the 1st ReLU in B.",
            ],
        ),
        (
            Joined,
            lambda: Joined(factor=0.5),
            [f"The addition of A, the weighted sum of B takes the same inputs otherwise: {FACTORS}."],
        ),
    ],
)
def test_a_difference_is_told_in_a_sentence(one, other, sentences):
    assert list(told(one, other)) == sentences


def test_parts_in_another_order_are_told():
    headline, sentence = told(Joined, lambda: Joined(swapped=True))
    assert headline == "The same layers with the same attributes, wired differently."
    assert sentence.startswith("The concatenation (axis 1) takes the same inputs otherwise: the 1st convolution as ")


def test_more_blocks_are_counted():
    sentences = told(Residual, lambda: Residual(blocks=5))
    assert any(sentence.startswith("B has 2 additions that A lacks") for sentence in sentences)
    assert any(sentence.startswith("B has 4 convolutions that A lacks") for sentence in sentences)
    assert not any(sentence.startswith("A has") for sentence in sentences[:-1])


def test_the_input_comes_first():
    assert difference(traced(Residual), traced(Residual, (3, 16, 16))).sentences[0] == (
        "The input is 3×8×8 in A, 3×16×16 in B."
    )


def test_inputs_of_other_dtypes_are_told():
    def graph(dtype):
        written = Graph()
        written.outputs = [written.add("relu", [("x", written.input((4,), dtype))])]
        return Architecture.from_graph(written)

    assert difference(graph("float32"), graph("float64")).sentences == ("The input is float32 in A, float64 in B.",)


def test_all_layers_that_change_alike_are_one_sentence():
    def deep(slope):
        return lambda: nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(4, 4), nn.LeakyReLU(slope))])

    found = difference(traced(deep(0.1), (4,)), traced(deep(0.2), (4,)))
    assert found.sentences == ("All 4 leaky ReLUs: negative slope 0.1 in A, 0.2 in B.",)


def test_a_difference_in_a_digit_that_is_not_shown_is_told():
    (sentence,) = told(convolutional(dropout=0.1), convolutional(dropout=0.1 + 1e-9))
    assert sentence == "The dropout: probability 0.1 in A, 0.100000001 in B."


def test_the_same_architecture_has_no_difference():
    found = difference(traced(Residual), traced(Residual))
    assert found.same
    assert found.sentences == ()
    assert str(found) == "The same architecture."


def test_any_two_golden_networks_are_told_apart_by_a_bounded_number_of_sentences():
    networks = [Architecture.from_module(build, input_shape=IMAGE) for build in MODELS.values()]
    by_fingerprint = {network.fingerprint: network for network in networks}
    chosen = list(by_fingerprint.values())
    for place, one in enumerate(chosen):
        for other in random.Random(place).sample(chosen, 6):
            found = difference(one, other)
            assert found.same == (one.fingerprint == other.fingerprint)
            assert 0 < len(found.sentences) <= MOST or found.same
            assert all(sentence.endswith(".") for sentence in found.sentences)
            back = difference(other, one)
            assert len(back.sentences) == len(found.sentences)


CHANGES = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["op", "wire", "drop", "init", "frozen"])), min_size=1, max_size=4
)


@given(CHANGES, st.sampled_from([Residual, Joined, convolutional(norm=True, dropout=0.1)]))
@settings(max_examples=60)
def test_a_changed_document_is_never_called_the_same(changes, build):
    original = traced(build)
    document = copy.deepcopy(original.document)
    for place, change in changes:
        node = document["nodes"][place % len(document["nodes"])]
        parameter = document["parameters"][place % len(document["parameters"])]
        if change == "op" and node["op"] == "relu":
            node["op"] = "silu"
        elif change == "wire" and node["op"] == "sum":
            node["inputs"][0][1] = node["inputs"][1][1]
        elif change == "drop" and node["op"] == "dropout":
            node["attrs"]["p"] = 0.5
        elif change == "init":
            parameter["init"] = {"const": 0.25}
        elif change == "frozen":
            parameter["trainable"] = False
    other = Architecture.from_document(document)
    found = difference(original, other)
    assert found.same == (original.fingerprint == other.fingerprint) == (not found.sentences)


def test_marks_name_the_operations_of_each_graph():
    a, b = traced(convolutional()), traced(convolutional(padding=0, norm=True))
    marks = difference(a, b).marks
    assert not marks[0].only
    assert [b.graph.nodes[i].op for i in marks[1].only] == ["running_batch_norm"]
    for architecture, mark in zip((a, b), marks, strict=True):
        assert [architecture.graph.nodes[i].op for i in mark.changed] == ["conv"]


def test_partial_labellings_may_be_the_same_and_that_is_said():
    a = traced(convolutional())
    document = {**a.document, "labelling": "partial"}
    found = difference(a, Architecture.from_document(document))
    assert not found.same
    assert found.sentences[0].endswith("they may be one network after all, written in different orders.")


def chain(length, *, tanhs=(), sigmoids=()):
    graph = Graph()
    x, weight = graph.input((4,), "float32"), graph.parameter((4, 4), {"const": 0.5})
    for i in range(length):
        x = graph.add("linear", [("x", x), ("weight", weight)])
        x = graph.add("tanh" if i in tanhs else "relu", [("x", x)])
        if i in sigmoids:
            x = graph.add("sigmoid", [("x", x)])
    graph.outputs = [x]
    return Architecture.from_graph(graph)


@pytest.mark.parametrize("changed", [{"tanhs": {1000, 2000}, "sigmoids": {200}}, {"tanhs": set(range(0, 3000, 3))}])
def test_large_graphs_take_bounded_time(changed):
    a, b = chain(3000), chain(3000, **changed)
    started = time.perf_counter()
    found = difference(a, b)
    assert time.perf_counter() - started < 30
    assert found.sentences[0] == f"In {len(changed['tanhs'])} places A has a ReLU where B has a tanh."


def test_another_number_of_heads_is_told_by_the_shapes_alone():
    def transformer(heads):
        return lambda: nn.TransformerEncoderLayer(16, heads, 32, batch_first=True)

    sentences = difference(traced(transformer(2), (12, 16)), traced(transformer(4), (12, 16))).sentences
    assert sentences == (
        "3 reshapes (the 1st, 2nd and 3rd of A): shape 12×N×2×8 in A, 12×N×4×4 in B.",
        "The scaling takes the same inputs otherwise: the 1st matrix product ×0.353553 in A, ×0.5 in B.",
    )


def test_a_layer_that_stands_in_the_place_of_another_kind_is_told_in_one_sentence():
    class Recurrent(nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.layer, self.head = kind(8, 16, batch_first=True), nn.Linear(16, 5)

        def forward(self, x):
            return self.head(self.layer(x)[0].mean(1))

    found = difference(*(traced(lambda kind=kind: Recurrent(kind), (7, 8)) for kind in (nn.LSTM, nn.GRU))).sentences
    assert found[0] == "The LSTM (4 parameters) of A is a GRU in B."
    assert not any(sentence.startswith("B has") for sentence in found)
