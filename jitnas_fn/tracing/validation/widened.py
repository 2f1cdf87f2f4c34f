"""A graph in double precision: float32 becomes float64, every number the one that float32 holds."""

import base64
from typing import Any

import numpy as np

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.graph import Graph, Node


def widened(graph: Graph) -> Graph:
    """`graph` with float64 wherever it has float32; the argument is not changed."""
    return Graph([_wide(node) for node in graph.nodes], list(graph.outputs))


def _wide(node: Node) -> Node:
    dtype = "float64" if node.dtype == "float32" else node.dtype
    attrs = dict(node.attrs)
    if attrs.get("dtype") == "float32":
        attrs |= {"dtype": "float64", **_exact(node)}
    return node._replace(attrs=attrs, dtype=dtype)


def _exact(node: Node) -> Json:
    """The numbers of a constant as float32 holds them, written in float64."""
    if node.op == "full":
        return {"value": float(np.float32(node.attrs["value"]))}
    if node.op == "constant":
        numbers: Any = np.frombuffer(base64.b64decode(node.attrs["content"]), dtype="<f4")
        return {"content": base64.b64encode(numbers.astype("<f8").tobytes()).decode("ascii")}
    return {}
