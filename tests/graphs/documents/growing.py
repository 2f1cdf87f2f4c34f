"""Valid networks grown at random, of whatever the table of operations holds."""

import contextlib
import random
from typing import Any

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.opset import OPERATIONS

SIZES = [[4], [6], [4, 6], [3, 8, 8], [4, 6, 6], [2, 4, 4, 4]]
VALUES: list[Any] = [
    *[0, 1, 2, 3, 4, -1, 0.5, 1.0, 1e-5, 0.0, 6.0, True, False, None],
    *[
        [0],
        [1],
        [2],
        [1, 1],
        [2, 2],
        [0, 0],
        [3, 3],
        [1, 2],
        [2, 3],
        [0, 2, 1],
        [0, 1, 3, 2],
        [-1, 4],
        [-1, 24],
        [4],
        [6],
        [6, 6],
    ],
    *[
        [[1, 1]],
        [[1, 1], [0, 2]],
        "none",
        "tanh",
        "element",
        "channel",
        "constant",
        "reflect",
        "nearest",
        "bilinear",
        "float32",
    ],
    *[[-1], [-1, 1], [-1, 4, 1, 1], [-1, 4, 6, 6], [1, 1, 1], [0, 0, 0], [-1, 3, 8, 8], [2, 2, 2], "int64", "float16", "bool"],
    *["eq", "lt", "uniform", "normal", "coins", "relu", "nearest-exact", "area", "linear", "bicubic", "trilinear"],
    *["AACAPwAAAEA=", "AACAPwAAgD8AAIA/AACAPw==", "AAAAAAAAAAABAAAAAAAAAA==", "AQAB"],  # constants of 2 to 4 numbers
]


def grown(draw: random.Random) -> Graph:
    """A small graph of random operations; those that do not fit are left out."""
    graph = Graph()
    for _ in range(draw.choice([1, 1, 2])):
        graph.input(draw.choice(SIZES), draw.choice(["float32", "float32", "float32", "int64"]))
    names = sorted(OPERATIONS)
    for _ in range(draw.randint(2, 25)):
        name = draw.choice(names)
        for _ in range(25):
            with contextlib.suppress(DocumentError):
                _add(draw, graph, name)
                break
    ends = [i for i, node in enumerate(graph.nodes) if node.shape[:1] == (-1,)]
    graph.outputs = [draw.choice(ends[-4:]) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    return graph


def _add(draw: random.Random, graph: Graph, name: str) -> None:
    values = [i for i, node in enumerate(graph.nodes) if node.op not in ("parameter", "buffer")]
    first = draw.choice(values[-6:] if draw.random() < 0.5 else values)
    graph.add(name, _inputs(draw, graph, name, first), _attrs(draw, name, len(graph.nodes[first].shape) - 2))


def _attrs(draw: random.Random, name: str, rank: int) -> dict[str, Any]:
    usual = [[0] * rank, [1] * rank, [1] * rank, [2] * rank, [3] * rank, 1, 1, True, False, None, 0.5, 1.0]
    found = {}
    for attr, check in OPERATIONS[name].attrs.items():
        for _ in range(40):
            value = draw.choice(usual if draw.random() < 0.7 else VALUES)
            with contextlib.suppress(DocumentError):
                found[attr] = check(value)
                break
    return found


def _inputs(draw: random.Random, graph: Graph, name: str, first: int) -> list[tuple[str, int]]:
    kind = OPERATIONS[name]
    if kind.many:
        labels = {"coefficients": ["1.0", "-0.5"], "multiset": ["x"], "ordered": ["0"]}[kind.many]
        named = [str(i) if kind.many == "ordered" else draw.choice(labels) for i in range(draw.randint(1, 4))]
        like = graph.nodes[first]
        alike = [i for i, node in enumerate(graph.nodes) if (node.shape, node.dtype) == (like.shape, like.dtype)]
        return [(label, draw.choice(alike)) for label in named]
    labels, gates = [*kind.slots, *(label for label in kind.optional if draw.random() < 0.3)], draw.choice([1, 3, 4])
    return [(label, first if i == 0 else _beside(draw, graph, first, gates)) for i, label in enumerate(labels)]


def _beside(draw: random.Random, graph: Graph, first: int, gates: int) -> int:
    """A value, or a new parameter or buffer, of a shape that may go with `first`."""
    shape = tuple(map(abs, graph.nodes[first].shape[1:])) or (1,)
    wide, tail = draw.choice([2, 4, 6]), len(shape) - 1
    choices = [
        *[shape[:1], shape[-1:], shape[:1], shape, (1,), (wide, shape[-1]), (shape[-1], wide), (shape[0], wide)],
        *[(wide, shape[0], *[draw.choice([1, 3])] * tail), (shape[0], wide, *[2] * tail), (shape[0], 1, *[3] * tail)],
        *[(2 * gates, shape[-1]), (2 * gates, 2), (2 * gates, 2), (2 * gates,)],
    ]
    kind = draw.random()
    if kind < 0.4:
        values = [i for i, node in enumerate(graph.nodes) if node.shape[:1] == (-1,)]
        alike = [i for i in values if graph.nodes[i].shape == graph.nodes[first].shape]
        return draw.choice(alike if alike and kind < 0.25 else values)
    if kind < 0.5:
        return graph.buffer(draw.choice(choices), {"const": 1.0})
    init = draw.choice(
        [{"const": 0.5}, {"uniform": [-1.0, 1.0]}, {"normal": [0.0, 0.1]}, {"trunc_normal": [0.0, 1.0, -2.0, 2.0]}]
    )
    return graph.parameter(draw.choice(choices), init, trainable=draw.random() < 0.9)
