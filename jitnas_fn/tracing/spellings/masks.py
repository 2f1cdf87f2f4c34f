"""How torch spells comparisons, truths, and choices by a mask."""

import math
from typing import Any

import torch
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.arithmetic import nodes_of, number
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.traced import Recorder

KINDS = {
    "eq": [torch.eq, Tensor.eq, Tensor.__eq__],
    "ne": [torch.ne, torch.not_equal, Tensor.ne, Tensor.not_equal, Tensor.__ne__],
    "lt": [torch.lt, torch.less, Tensor.lt, Tensor.less, Tensor.__lt__],
    "le": [torch.le, torch.less_equal, Tensor.le, Tensor.less_equal, Tensor.__le__],
    "gt": [torch.gt, torch.greater, Tensor.gt, Tensor.greater, Tensor.__gt__],
    "ge": [torch.ge, torch.greater_equal, Tensor.ge, Tensor.greater_equal, Tensor.__ge__],
}
TURNED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _compared(kind: str) -> Any:
    def handler(r: Recorder, input: Any, other: Any) -> Tensor:
        if not isinstance(input, Tensor):
            return r.traced(_compare(r, TURNED[kind], other, input))
        return r.traced(_compare(r, kind, input, other))

    return handler


def _compare(r: Recorder, kind: str, x: Any, other: Any) -> int:
    if isinstance(other, Tensor):
        nodes = nodes_of(r, x, other)
        return r.add("compare", list(zip(("x", "other"), nodes, strict=True)), {"kind": kind, "value": None})
    return r.add("compare", [("x", r.node(x))], {"kind": kind, "value": number(other)})


for _kind, _functions in KINDS.items():
    spelled(*_functions)(_compared(_kind))


@spelled(torch.logical_not, Tensor.logical_not, torch.bitwise_not, Tensor.bitwise_not, Tensor.__invert__)
def _not(r: Recorder, input: Any) -> Tensor:
    return r.compute("logical_not", [("x", input)])


def _joined(op: str) -> Any:
    def handler(r: Recorder, input: Any, other: Any) -> Tensor:
        return r.compute(op, [("x", input), ("x", other)])

    return handler


spelled(torch.logical_and, Tensor.logical_and, torch.bitwise_and, Tensor.bitwise_and, Tensor.__and__, Tensor.__rand__)(
    _joined("logical_and")
)
spelled(torch.logical_or, Tensor.logical_or, torch.bitwise_or, Tensor.bitwise_or, Tensor.__or__, Tensor.__ror__)(
    _joined("logical_or")
)


def filling(value: Any) -> float | str:
    """What fills a masked place, as a document writes it."""
    if isinstance(value, Tensor):
        refuse("a masked fill with a tensor", "use a number, or torch.where")
    filled = number(value)
    return filled if math.isfinite(filled) or math.isnan(filled) else ("inf" if filled > 0 else "-inf")


def _filled_node(r: Recorder, x: Any, mask: Any, value: Any) -> int:
    return r.add("masked_fill", [("x", r.node(x)), ("mask", r.node(mask))], {"value": filling(value)})


@spelled(torch.masked_fill, Tensor.masked_fill)
def masked_fill(r: Recorder, input: Any, mask: Any, value: Any) -> Tensor:
    """x with `value` where the mask is true."""
    return r.traced(_filled_node(r, input, mask, value))


@spelled(Tensor.masked_fill_)
def _masked_fill_in_place(r: Recorder, input: Any, mask: Any, value: Any) -> Tensor:
    return r.overwrite(input, _filled_node(r, input, mask, value))


@spelled(torch.where)
def _where(r: Recorder, condition: Any, input: Any, other: Any) -> Tensor:
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        nodes = nodes_of(r, input, other)
        return r.traced(r.add("where", [("x", nodes[0]), ("other", nodes[1]), ("mask", r.node(condition))]))
    if isinstance(other, Tensor):
        return masked_fill(r, other, condition, input)  # type: ignore[no-any-return]
    if isinstance(input, Tensor):
        return masked_fill(r, input, _not(r, condition), other)  # type: ignore[no-any-return]
    return refuse("where between two numbers", "multiply the mask as a float")


@spelled(Tensor.where)
def _where_method(r: Recorder, self: Any, condition: Any, other: Any) -> Any:
    return _where(r, condition, self, other)
