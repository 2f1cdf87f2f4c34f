"""How torch spells sums, products, quotients and powers. Whole numbers that meet floats become floats, as in torch."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.tracing.outside import outside_the_trace
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.run_terms import added, multiplied
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.traced import Recorder, mark_of


def number(value: Any) -> float:
    """A Python number as a float."""
    if isinstance(value, (np.integer, np.floating)):
        return float(value)
    if type(value) not in (int, float):
        refuse(f"a {type(value).__name__} where a number is expected", "use a Python int or float")
    return float(value)


def nodes_of(r: Recorder, *tensors: Any) -> list[int]:
    """The nodes of tensors that meet in one operation, integers and truths among floats as floats."""
    found = [r.dtype(tensor) for tensor in tensors]
    if len(set(found)) == 1:
        return [r.node(tensor) for tensor in tensors]
    floats = {dtype for dtype in found if dtype in FLOATS}
    if len(floats) > 1:
        floats = {dtype for tensor, dtype in zip(tensors, found, strict=True) if dtype in FLOATS and not _yields(tensor)}
    if len(floats) != 1:
        refuse(f"numbers of types {', '.join(sorted(set(found)))} meet", "bring them to one type first")
    return [_as(r, tensor, *floats) for tensor in tensors]


def _yields(tensor: Any) -> bool:
    """Whether torch takes the type of the other operand: for a constant without axes."""
    return mark_of(tensor) is None and tensor.dim() == 0


def _as(r: Recorder, tensor: Any, dtype: str) -> int:
    if r.dtype(tensor) == dtype:
        return r.node(tensor)
    if mark_of(tensor) is None and id(tensor) not in r.parameters:
        r.read(tensor)
        with outside_the_trace():
            converted = tensor.to(getattr(torch, dtype))
        return r.node(converted)
    return r.add("cast", [("x", r.node(tensor))], {"dtype": dtype})


def _combined_node(r: Recorder, terms: list[tuple[float, Any]]) -> int:
    """Node of Σ factor·term; a term is a tensor or a number."""
    constant = sum(factor * number(term) for factor, term in terms if not isinstance(term, Tensor))
    tensors = [(factor, term) for factor, term in terms if isinstance(term, Tensor)]
    nodes = nodes_of(r, *(term for _, term in tensors))
    edges = [(repr(float(factor)), node) for (factor, _), node in zip(tensors, nodes, strict=True) if factor != 0.0]
    if len(edges) == len(tensors):
        return r.add("sum", edges, {"constant": constant})
    whole = r.graph.nodes[r.add("sum", [("1.0", node) for node in nodes], {"constant": 0.0})]
    zeros = r.add("full", [], {"shape": list(whole.shape), "value": 0.0, "dtype": whole.dtype})
    return r.add("sum", [*edges, ("1.0", zeros)], {"constant": constant})


def combined(r: Recorder, terms: list[tuple[float, Any]]) -> Tensor:
    """Σ factor·term; a term is a tensor or a number."""
    return r.traced(_combined_node(r, terms))


@spelled(torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__)
def _add(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return combined(r, [(1.0, input), (number(alpha), other)])


@spelled(Tensor.add_, Tensor.__iadd__)
def _add_in_place(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Any:
    return r.overwrite(input, _combined_node(r, [(1.0, input), (number(alpha), other)]))


@spelled(torch.sub, torch.subtract, Tensor.sub, Tensor.subtract, Tensor.__sub__)
def _sub(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return combined(r, [(1.0, input), (-number(alpha), other)])


@spelled(Tensor.__rsub__, torch.rsub)
def _rsub(r: Recorder, input: Any, other: Any) -> Tensor:
    return combined(r, [(-1.0, input), (1.0, other)])


@spelled(Tensor.sub_, Tensor.__isub__)
def _sub_in_place(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return r.overwrite(input, _combined_node(r, [(1.0, input), (-number(alpha), other)]))


@spelled(torch.neg, torch.negative, Tensor.neg, Tensor.negative, Tensor.__neg__)
def _neg(r: Recorder, input: Any) -> Tensor:
    return combined(r, [(-1.0, input)])


def _product_node(r: Recorder, a: Any, b: Any) -> int:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return r.add("prod", [("x", node) for node in nodes_of(r, a, b)])
    return _combined_node(r, [(number(b), a)] if isinstance(a, Tensor) else [(number(a), b)])


@spelled(torch.mul, torch.multiply, Tensor.mul, Tensor.multiply, Tensor.__mul__, Tensor.__rmul__)
def _mul(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.traced(_product_node(r, input, other))


@spelled(Tensor.mul_, Tensor.__imul__)
def _mul_in_place(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.overwrite(input, _product_node(r, input, other))


@spelled(added)
def _added(r: Recorder, terms: tuple[Tensor, ...], factors: tuple[float, ...], constant: float) -> Tensor:
    return combined(r, [*zip(factors, terms, strict=True), (1.0, constant)])


@spelled(multiplied)
def _multiplied(r: Recorder, terms: tuple[Tensor, ...]) -> Tensor:
    return r.traced(r.add("prod", [("x", node) for node in nodes_of(r, *terms)]))


def _quotient_node(r: Recorder, x: Any, divisor: Any) -> int:
    if isinstance(divisor, Tensor):
        return _ratio_node(r, x, divisor)
    if number(divisor) == 0:
        refuse("a division by zero", "multiply instead")
    if math.frexp(abs(number(divisor)))[0] == 0.5 and 1e-30 < abs(divisor) < 1e30:  # a power of two: its reciprocal is exact
        return _combined_node(r, [(1.0 / number(divisor), x)])
    return r.add("quotient", [("x", r.node(x))], {"divisor": number(divisor)})


def _ratio_node(r: Recorder, x: Any, divisor: Any) -> int:
    if isinstance(x, Tensor):
        above, below = nodes_of(r, x, divisor)
        return r.add("ratio", [("x", above), ("divisor", below)])
    return r.add("sum", [(repr(number(x)), r.add("reciprocal", [("x", r.node(divisor))]))], {"constant": 0.0})


@spelled(torch.div, torch.divide, torch.true_divide, Tensor.div, Tensor.divide, Tensor.true_divide, Tensor.__truediv__)
def _div(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.traced(_quotient_node(r, input, other))


@spelled(Tensor.__rtruediv__, Tensor.__rdiv__)
def _rdiv(r: Recorder, self: Any, other: Any) -> Tensor:
    return r.traced(_quotient_node(r, other, self))


@spelled(Tensor.div_, Tensor.__itruediv__)
def _div_in_place(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.overwrite(input, _quotient_node(r, input, other))


@spelled(torch.square, Tensor.square)
def _square(r: Recorder, input: Any) -> Tensor:
    return r.traced(_product_node(r, input, input))


SPECIAL_POWERS = {0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal"}


@spelled(torch.pow, Tensor.pow, Tensor.__pow__)
def _pow(r: Recorder, input: Any, exponent: Any) -> Tensor:
    if type(exponent) not in (int, float) or not isinstance(input, Tensor):
        refuse("a power whose exponent is no number", "use a number, or torch.exp")
    x = r.node(input)
    if exponent == 1:
        return r.traced(x)
    if exponent in (2, 3, 4):
        return r.traced(r.add("prod", [("x", x)] * int(exponent)))
    if exponent in SPECIAL_POWERS:
        return r.traced(r.add(SPECIAL_POWERS[exponent], [("x", x)]))
    return r.traced(r.add("power", [("x", x)], {"exponent": number(exponent)}))


def _extreme(op: str) -> Any:
    def handler(r: Recorder, input: Any, other: Any) -> Tensor:
        return r.traced(r.add(op, [("x", node) for node in nodes_of(r, input, other)]))

    return handler


spelled(torch.maximum, Tensor.maximum)(_extreme("maximum"))
spelled(torch.minimum, Tensor.minimum)(_extreme("minimum"))
