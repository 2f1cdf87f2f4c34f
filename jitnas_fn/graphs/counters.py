"""What an architecture costs, counted on its graph."""

import math
from collections.abc import Iterable

from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.graphs.opset import operation

# Agrees with the figures published for NAS-Bench-201 (Dong and Yang, 2020).
MACS_COUNTER = (
    "jitnas_fn multiply-adds 1: convolutions, linear and recurrent layers, matrix products, one sample, a bias counts one each"
)


def parameters(graph: Graph) -> int:
    """Number of parameters, trainable or not; a tied one counts once."""
    return sum(math.prod(node.shape) for node in graph.nodes if node.op == "parameter")


def macs(graph: Graph) -> int:
    """Multiply-adds for one sample in evaluation, as `MACS_COUNTER` says."""
    return _macs(graph, graph.live_in(training=False))


def macs_of_all(graph: Graph) -> int:
    """The same over every node there is, as published figures count: also where a value reaches no output."""
    return _macs(graph, range(len(graph.nodes)))


def _macs(graph: Graph, indices: Iterable[int]) -> int:
    total = 0
    for index in indices:
        node = graph.nodes[index]
        count = None if node.op in LEAVES else operation(node.op).macs
        if count is not None:
            total += count(node.attrs, [(label, graph.nodes[i].shape) for label, i in node.inputs], node.shape)
    return total
