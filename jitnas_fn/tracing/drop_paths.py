"""Stochastic depth, however it is written, as one operation.

Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016: in training a branch is kept for each sample with probability
1 − p; most code divides it by 1 − p then, so that evaluation needs no factor.
"""

import math
from typing import NamedTuple

from jitnas_fn.graphs.graph import Graph, Node

ROUNDING = 1e-6


def with_drop_paths(graph: Graph) -> tuple[Graph, dict[int, int]]:
    """`graph` with every product of a value and one coin a sample, divided by its probability, as `drop_path`.

    Returns
    -------
    (Graph, dict[int, int])
        Another graph, and for each draw of `graph` that became part of a `drop_path` the node of that.
    """
    readers = _readers(graph)
    nodes, found = list(graph.nodes), {}  # type: tuple[list[Node], dict[int, int]]
    for i, node in enumerate(graph.nodes):
        if node.op == "prod" and len(node.inputs) == 2:
            for (_, gate), (_, value) in (node.inputs, node.inputs[::-1]):
                kept = _kept(graph, gate, readers)
                shape = graph.nodes[value].shape
                if kept is not None and shape == node.shape and shape[:1] == (-1,):
                    source = _whole(graph, value, readers, share=kept.keep * kept.factor)
                    if source is not None:
                        nodes[i] = Node("drop_path", {"p": round(1 - kept.keep, 12)}, (("x", source),), node.shape, node.dtype)
                        found[kept.draw] = i
                        break
    return Graph(nodes, list(graph.outputs)), found


class _Gate(NamedTuple):
    """Coins of probability `keep`, times `factor`; `draw` is the node that draws them."""

    draw: int
    keep: float
    factor: float


def _readers(graph: Graph) -> list[int]:
    counts = [0] * len(graph.nodes)
    for node in graph.nodes:
        for _, source in node.inputs:
            counts[source] += 1
    for source in graph.outputs:
        counts[source] += 1
    return counts


def _kept(graph: Graph, index: int, readers: list[int]) -> _Gate | None:
    """The node as a coin for each sample times a number, if it is that and nothing else reads it."""
    source, factor = _unscaled(graph, index, readers)
    node = graph.nodes[source]
    if readers[source] != 1 or readers[index] != 1 or node.shape[:1] != (-1,) or math.prod(node.shape) != -1:
        return None
    if node.op == "noise" and node.attrs["kind"] == "coins":
        return _Gate(source, node.attrs["p"], factor)
    inner = graph.nodes[node.source("x")] if node.op == "floor" else None  # floor(keep + U(0, 1))
    if inner is not None and inner.op == "sum" and len(inner.inputs) == 1 and inner.inputs[0][0] == "1.0":
        drawn = graph.nodes[inner.inputs[0][1]]
        keep = inner.attrs["constant"]
        if drawn.op == "noise" and drawn.attrs["kind"] == "uniform" and 0 < keep <= 1 and readers[inner.inputs[0][1]] == 1:
            return _Gate(inner.inputs[0][1], keep, factor)
    return None


def _whole(graph: Graph, index: int, readers: list[int], *, share: float) -> int | None:
    """The value of which node `index`, times `share`, is the whole: itself, or what it multiplies or divides by a number."""
    source, factor = _unscaled(graph, index, readers)
    if math.isclose(share, 1.0, rel_tol=ROUNDING):
        return index
    return source if math.isclose(share * factor, 1.0, rel_tol=ROUNDING) else None


def _unscaled(graph: Graph, index: int, readers: list[int]) -> tuple[int, float]:
    """The node behind multiplications and divisions by a number that only the next one reads, and their product."""
    factor = 1.0
    while readers[index] == 1:
        node = graph.nodes[index]
        if node.op == "sum" and len(node.inputs) == 1 and node.attrs["constant"] == 0.0:
            factor *= float(node.inputs[0][0])
        elif node.op == "quotient":
            factor /= node.attrs["divisor"]
        else:
            break
        index = node.inputs[0][1]
    return index, factor
