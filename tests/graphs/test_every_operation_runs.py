"""Whatever one operation the table accepts, of random attributes and shapes, runs on torch and gives the shape it promises."""

import math
import random
import warnings

import pytest
import torch

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.dtypes import DTYPES, FLOATS
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.opset import OPERATIONS
from jitnas_fn.tracing.draws import Seeded
from jitnas_fn.tracing.rebuild import Network

TRIALS, WANTED, LARGEST = 6_000, 60, 200_000
THE_BATCH_OR_THE_DEVICE = ("more than 1 value per channel", "not implemented for")
SHAPES = [(4,), (6,), (4, 6), (4, 1), (3, 4, 4), (4, 1, 1), (2, 5, 3), (4, 1, 1, 1), (2, 3, 4, 5), (4, 4), (1, 4)]
INTEGERS = [0, 1, 1, 1, 2, 2, 3, 4, -1, 10**9, 2**31 - 1, -(2**31 - 1)]
NUMBERS = [0.0, 0.5, 1.0, -1.0, 1e-5, 2.0, -0.5, 1.55, 3.0, 65504.0, 7e4, 3e38, -3e38]
WORDS = [
    *["none", "tanh", "relu", "element", "channel", "alpha", "feature_alpha", "constant", "reflect", "replicate", "circular"],
    *["eq", "lt", "uniform", "normal", "coins", "nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic"],
    *["trilinear", "inf", "-inf", *DTYPES],
]
USUAL = {  # what mostly fits, for each spatial axis
    "kernel": [1, 2, 2, 3],
    "stride": [1, 1, 2, 10**6],
    "padding": [0, 0, 1, 2],
    "dilation": [1, 1, 2],
    "output_padding": [0, 0, 1],
    "size": [1, 2, 3, 8],
}


def attribute(draw, name, check, shape):
    """A value that passes the check."""
    rank = max(len(shape) - 2, 0)
    if name in USUAL and draw.random() < 0.9:
        value = [draw.choice(USUAL[name]) for _ in range(rank)]
    elif name == "widths" and draw.random() < 0.9:
        value = [[draw.choice([0, 1, 2, -1]) for _ in range(2)] for _ in range(draw.choice([rank, rank, rank + 1, 1]))]
    elif name in ("axis", "groups") and draw.random() < 0.8:
        value = draw.randrange(1, 4)
    elif name == "axes" and draw.random() < 0.4:
        value = [0, *draw.sample(range(1, len(shape)), len(shape) - 1)]
    elif name in ("axes", "shape") and draw.random() < 0.8:
        value = draw.choice(
            [list(range(1, len(shape))), [len(shape) - 1], list(shape), [-1, abs(math.prod(shape))], [*shape[-1:]]]
        )
    else:
        count = draw.choice([rank, rank, 1, 2, 3])
        value = draw.choice(
            [
                *[
                    draw.choice(INTEGERS),
                    draw.choice(NUMBERS),
                    draw.choice(NUMBERS),
                    draw.choice(WORDS),
                    draw.random() < 0.5,
                    None,
                ],
                *[[draw.choice(INTEGERS) for _ in range(count)], [draw.choice(NUMBERS)] * count],
            ]
        )
    return check(value)


def attributes(draw, name, shape):
    """Attributes that pass the checks of the operation, if some are found."""
    found = {}
    for attr, check in OPERATIONS[name].attrs.items():
        for _ in range(60):
            try:
                found[attr] = attribute(draw, attr, check, shape)
                break
            except DocumentError:
                continue
    return found


def beside(draw, graph, name, label, first):
    """Something to read beside the first input."""
    shape, dtype = tuple(size for size in graph.nodes[first].shape if size > 0), graph.nodes[first].dtype
    if label in ("mask", "index"):
        return graph.input(draw.choice([shape, (2,), ()]), "bool" if label == "mask" else "int64")
    like, gates, hidden = shape or (1,), {"lstm": 4, "gru": 3}.get(name, 1), 2
    kernel = [draw.choice([1, 2, 3]) for _ in like[1:]]
    choices = [
        like,
        like[:1],
        like[-1:],
        (2, like[-1]),
        (2, like[0], *kernel),
        (like[0], 2, *kernel),
        (4, like[0] // 2 or 1, *kernel),
    ]
    gated = [(gates * hidden, like[-1]), (gates * hidden, hidden), (gates * hidden,)]
    if label in ("h", "c"):
        return graph.input((hidden,), dtype)
    made = draw.choice(gated if name in ("lstm", "gru", "rnn") else choices)
    kind = draw.choice(["parameter", "parameter", "frozen", "buffer", "input"])
    if kind == "input":
        return graph.input(like, dtype)
    if kind == "buffer" or label in ("mean", "variance"):
        return graph.buffer(made, {"const": 1.0}, dtype=dtype)
    return graph.parameter(made, {"normal": [0.0, 1.0]}, dtype=dtype, trainable=kind == "parameter" and dtype in FLOATS)


def one(draw, name):
    """A graph of one operation."""
    kind, graph = OPERATIONS[name], Graph()
    first = graph.input(draw.choice(SHAPES), draw.choice(["float32"] * 4 + list(DTYPES)))
    if name == "take":  # what is looked up has no batch, where what looks it up has one
        first = graph.parameter(draw.choice(SHAPES), {"const": 1.0})
    like = graph.nodes[first]
    if kind.many:
        labels = {"coefficients": ["1.0", "-0.5", "70000.0"], "multiset": ["x"], "ordered": ["0"]}[kind.many]
        named = [str(i) if kind.many == "ordered" else draw.choice(labels) for i in range(draw.randint(1, 4))]
        edges = [(label, graph.input(draw.choice([like.shape[1:], like.shape[-1:]]), like.dtype)) for label in named]
    else:
        labels = [*kind.slots, *(label for label in kind.optional if label != "after" and draw.random() < 0.4)]
        edges = [(label, first if i == 0 else beside(draw, graph, name, label, first)) for i, label in enumerate(labels)]
    graph.outputs = [graph.add(name, edges, attributes(draw, name, like.shape))]
    return graph


def ones(node, number, begins):
    return torch.ones(node.shape).to(getattr(torch, node.dtype))


def given(node, training):
    """A batch of two: ones, or zeros where they count something; it takes gradients where it can."""
    dtype = getattr(torch, node.dtype)
    made = torch.full((2, *node.shape[1:]), float(dtype.is_floating_point)).to(dtype)
    return made.requires_grad_(training and dtype.is_floating_point)


def ran(graph, *, training):
    """Shape and dtype of the output, after a step backward in training; None where the batch or the device is to blame."""
    network = Network(graph, ones, Seeded(0)).train(training)
    try:
        value = network(*(given(node, training) for node in graph.nodes if node.op == "input"))
        if value.requires_grad:
            value.sum().backward()
    except Exception as error:
        if any(text in str(error) for text in THE_BATCH_OR_THE_DEVICE):
            return None
        node = graph.nodes[graph.outputs[0]]
        read = [(label, graph.nodes[s].op, graph.nodes[s].shape, graph.nodes[s].dtype) for label, s in node.inputs]
        raise AssertionError(f"{node.op} {node.attrs} of {read} raises {error}") from error
    return list(value.shape), str(value.dtype)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"constant", "reshape"}))  # which hardly fit at random
def test_what_is_accepted_runs_and_gives_the_shape_it_promises(name):
    draw, met = random.Random(name), 0
    for _ in range(TRIALS):
        try:
            graph = one(draw, name)
        except DocumentError:
            continue
        node = graph.nodes[graph.outputs[0]]
        if abs(math.prod(node.shape)) > LARGEST:
            continue
        met += 1
        promised = [-2 * size if size < 0 else size for size in node.shape], f"torch.{node.dtype}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert ran(graph, training=False) in (promised, None), f"{name} {node.attrs}"
            assert ran(graph, training=True) in (promised, None), f"{name} {node.attrs}"
        if met == WANTED:
            break
    assert met > 2, f"{name} is hardly ever accepted"
