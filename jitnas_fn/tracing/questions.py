"""Constants of one value, what changes nothing, and what may be asked of a tensor."""

import math
from typing import Any

import torch
from torch import Tensor

from jitnas_fn.tracing.table import spelled
from jitnas_fn.tracing.traced import Recorder, Traced, name_of, refuse, sizes
from jitnas_fn.tracing.views import axis_of, listed, plain

# constants of one value


def _filled(r: Recorder, shape: Any, value: Any, dtype: Any) -> Traced:
    if type(value) not in (int, float):
        refuse(f"a tensor filled with a {type(value).__name__}", "fill it with a number")
    name = name_of(torch.get_default_dtype() if dtype is None else dtype)
    return r.traced(r.add("full", [], {"shape": [plain(size) for size in shape], "value": float(value), "dtype": name}))


@spelled(torch.full)
def _full(r: Recorder, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Traced:
    return _filled(r, size, fill_value, dtype)


@spelled(torch.zeros)
def _zeros(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Traced:
    return _filled(r, listed(size), 0.0, dtype)


@spelled(torch.ones)
def _ones(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Traced:
    return _filled(r, listed(size), 1.0, dtype)


def _like(value: float) -> Any:
    def handler(r: Recorder, input: Any) -> Traced:
        node = r.graph.nodes[r.node(input)]
        return _filled(r, sizes(node.shape), value, getattr(torch, node.dtype))

    return handler


spelled(torch.zeros_like)(_like(0.0))
spelled(torch.ones_like)(_like(1.0))


# what changes nothing, and what may be asked


@spelled(Tensor.clone, torch.clone)
def _clone(r: Recorder, input: Any, *, memory_format: Any = None) -> Traced:
    return r.traced(r.node(input))


@spelled(Tensor.contiguous)
def _contiguous(r: Recorder, self: Any, memory_format: Any = None) -> Traced:
    return r.traced(r.node(self), alias=self)


@spelled(Tensor.to, Tensor.float, Tensor.double, Tensor.half, Tensor.bfloat16, Tensor.cpu, Tensor.cuda)
def _moved(
    r: Recorder, self: Any, *given: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False
) -> Any:
    refuse("a cast or a move to a device", "dtype belongs to the input and the device to the recipe: leave both out of forward")


def _asked(name: str, answer: Any) -> None:
    function = getattr(Tensor, name)
    function = function if callable(function) else function.__get__

    @spelled(function)
    def handler(r: Recorder, self: Any, *given: Any) -> Any:
        if isinstance(self, Traced):
            return answer(r, self, *given)
        return function(self, *given)


def _size(r: Recorder, x: Traced, dim: int | None = None) -> Any:
    seen = sizes(r.shape(x))
    return seen if dim is None else seen[axis_of(dim, len(seen))]


def _count(r: Recorder, x: Traced) -> Any:
    return sizes((math.prod(r.shape(x)),))[0]


for _name, _answer in {
    "shape": _size,
    "size": _size,
    "numel": _count,
    "nelement": _count,
    "ndim": lambda r, x: len(r.shape(x)),
    "dim": lambda r, x: len(r.shape(x)),
    "ndimension": lambda r, x: len(r.shape(x)),
    "dtype": lambda r, x: getattr(torch, r.graph.nodes[r.node(x)].dtype),
    "device": lambda r, x: torch.device("cpu"),
    "is_cuda": lambda r, x: False,
    "is_floating_point": lambda r, x: "float" in name_of(getattr(torch, r.graph.nodes[r.node(x)].dtype)),
    "__hash__": lambda r, x: id(x),
}.items():
    _asked(_name, _answer)
