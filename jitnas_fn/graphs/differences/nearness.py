"""How far apart two architectures are: a number that is read off their documents, quickly enough to compare thousands.

`graphs.differences.difference` says where two differ, and needs both graphs, their shapes, and pairs of layers. Here layers are
only counted; a document is not checked further than counting needs, since any JSON object may stand in a store.
"""

import math
from collections import Counter
from typing import Any, NamedTuple

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.graph import MAX_NODES
from jitnas_fn.graphs.operations import LARGEST_TENSOR

MAX_AXES = 8
Inputs = tuple[tuple[str, str], ...]  # (label, what comes in under it)
Layer = tuple[str, str, Inputs]  # operation, attributes, and the inputs that are parameters, buffers, or inputs of the network


class Outline(NamedTuple):
    """What of a document counts when it is compared.

    Attributes
    ----------
    layers
        Its operations, with how often each occurs. Two are equal that have the same operation, the same attributes, and under
        the same labels parameters and buffers of the same shape, and inputs of the network of the same shape and type.
    connected
        The same with the operations that each layer reads, under their labels.
    parameters
        Number of parameters, trainable or not.
    """

    layers: Counter[Layer]
    connected: Counter[tuple[Layer, Inputs]]
    parameters: int

    @property
    def size(self) -> int:
        """Number of layers."""
        return self.layers.total()


class Apart(NamedTuple):
    """How far apart two architectures are; of two such, the nearer is the lesser.

    Attributes
    ----------
    layers
        The fewest layers that have to be changed, added or taken away so that both have the same layers:
        max(|A|, |B|) − |A ∩ B| of the two multisets, a metric, at most the size of the larger one. What is connected or
        initialised otherwise does not count, so two different architectures may be 0 apart.
    connected
        The same number if a layer counts as another also where it reads other operations.
    parameters
        Difference of the numbers of parameters.
    """

    layers: int
    connected: int
    parameters: int


def outline(document: Json) -> Outline:
    """Count the layers of a document.

    Raises
    ------
    DocumentError
        If it is no document. (One that passes may still describe no network.)
    """
    try:
        return _outline(document)
    except (ArithmeticError, AttributeError, KeyError, LookupError, RecursionError, TypeError, ValueError) as reason:
        raise DocumentError(f"no layers can be counted in what is no document: {str(reason)[:200]}") from None


def apart(a: Outline, b: Outline) -> Apart:
    """How far two architectures are apart."""
    larger = max(a.size, b.size)
    layers, connected = (a.layers & b.layers).total(), (a.connected & b.connected).total()
    return Apart(larger - layers, larger - connected, abs(a.parameters - b.parameters))


def _outline(document: Json) -> Outline:
    nodes, shapes = document["nodes"], [_shape(item) for item in document["parameters"]]
    if len(nodes) > MAX_NODES:
        raise ValueError(f"more than {MAX_NODES:,} nodes")
    leaves = {f"p{i}": f"parameter {shape}" for i, shape in enumerate(shapes)}
    leaves |= {f"b{i}": f"buffer {_shape(item)}" for i, item in enumerate(document["buffers"])}
    leaves |= {f"x{i}": f"input {_shape(item)} {item['dtype']}" for i, item in enumerate(document["inputs"])}
    operations = {f"n{i}": _text(node["op"]) for i, node in enumerate(nodes)}
    layers, connected = Counter[Layer](), Counter[tuple[Layer, Inputs]]()
    for node in nodes:
        edges = [(_text(label), source) for label, source in node["inputs"]]
        own = sorted([(label, leaves[source]) for label, source in edges if source in leaves])
        read = sorted([(label, operations[source]) for label, source in edges if source not in leaves])
        # repr tells apart whatever JSON does, 1 from 1.0 and from true, in a third of the time of canonical JSON
        layer = node["op"], repr(sorted(node["attrs"].items())), tuple(own)
        layers[layer] += 1
        connected[layer, tuple(read)] += 1
    return Outline(layers, connected, sum(map(math.prod, shapes)))


def _shape(item: Json) -> list[int]:
    shape: list[int] = item["shape"]
    if not isinstance(shape, list) or len(shape) > MAX_AXES:
        raise ValueError(f"a shape is a list of at most {MAX_AXES} sizes")
    if not all(type(size) is int and 0 < size <= LARGEST_TENSOR for size in shape):  # also so that their product is soon done
        raise ValueError(f"a size is an integer from 1 to {LARGEST_TENSOR:,}")
    return shape


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an operation and a label are texts, not {type(value).__name__}")
    return value
