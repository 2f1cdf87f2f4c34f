"""Sums and products of many terms, each one call: a rebuilt network, traced again, is then what its document says.

From a chain of additions the tracer would have to guess which partial sums the document meant: two weights of shape (1,) that
meet first, or a partial sum that another node needs too, are nodes of their own there.
"""

from typing import Any

import torch
from torch.overrides import handle_torch_function, has_torch_function

from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.tracing.running import Call, Values

Tensors = tuple[torch.Tensor, ...]


def added(terms: Tensors, factors: tuple[float, ...], constant: float) -> torch.Tensor:
    """Σ factor·term + constant; terms broadcast."""
    if has_torch_function(terms):
        return handle_torch_function(added, terms, terms, factors, constant)
    total = terms[0] if factors[0] == 1.0 else terms[0] * factors[0]
    for factor, term in zip(factors[1:], terms[1:], strict=True):
        total = torch.add(total, term, alpha=factor) if factor != 1.0 else total + term
    return total + constant if constant else total


def multiplied(terms: Tensors) -> torch.Tensor:
    """Π term; terms broadcast."""
    if has_torch_function(terms):
        return handle_torch_function(multiplied, terms, terms)
    product = terms[0]
    for term in terms[1:]:
        product = product * term
    return product


def sum_of(node: Node, graph: Graph, number: int) -> Call:
    """What computes a sum."""
    factors, sources = tuple(float(label) for label, _ in node.inputs), [source for _, source in node.inputs]
    constant = node.attrs["constant"]
    return lambda values, network, batch: added(_taken(values, sources), factors, constant)


def product_of(node: Node, graph: Graph, number: int) -> Call:
    """What computes a product."""
    sources = node.sources("x")
    return lambda values, network, batch: multiplied(_taken(values, sources))


def _taken(values: Values, sources: list[Any]) -> Tensors:
    return tuple(values[source] for source in sources)
