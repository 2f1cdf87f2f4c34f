"""Constants of one value, what changes nothing, and what may be asked of a tensor."""

import math
from typing import Any

import torch
from torch import Tensor

from jitnas_fn.tracing.batch import sizes
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.table import spelled
from jitnas_fn.tracing.traced import Recorder, mark_of, name_of
from jitnas_fn.tracing.views import axis_of, listed, plain

# constants of one value


def _filled(r: Recorder, shape: Any, value: Any, dtype: Any) -> Tensor:
    if type(value) not in (int, float):
        refuse(f"a tensor filled with a {type(value).__name__}", "fill it with a number")
    name = name_of(torch.get_default_dtype() if dtype is None else dtype)
    return r.traced(r.add("full", [], {"shape": [plain(size) for size in shape], "value": float(value), "dtype": name}))


@spelled(torch.full)
def _full(r: Recorder, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, size, fill_value, dtype)


@spelled(torch.zeros)
def _zeros(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, listed(size), 0.0, dtype)


@spelled(torch.ones)
def _ones(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, listed(size), 1.0, dtype)


def _like(value: float) -> Any:
    def handler(r: Recorder, input: Any) -> Tensor:
        node = r.graph.nodes[r.node(input)]
        return _filled(r, sizes(node.shape), value, getattr(torch, node.dtype))

    return handler


spelled(torch.zeros_like)(_like(0.0))
spelled(torch.ones_like)(_like(1.0))


# what changes nothing, and what may be asked


@spelled(Tensor.clone, torch.clone)
def _clone(r: Recorder, input: Any, *, memory_format: Any = None) -> Tensor:
    return r.traced(r.node(input))


@spelled(Tensor.contiguous)
def _contiguous(r: Recorder, self: Any, memory_format: Any = None) -> Tensor:
    return r.traced(r.node(self), alias=self)


def _cast(dtype: torch.dtype | None) -> Any:
    def handler(r: Recorder, self: Any, *, memory_format: Any = None) -> Tensor:
        return _moved(r, self, dtype)

    return handler


for _method, _dtype in {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
}.items():
    spelled(getattr(Tensor, _method))(_cast(_dtype))


@spelled(Tensor.cpu, Tensor.cuda)
def _to_device(r: Recorder, self: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    return _moved(r, self, None)


@spelled(Tensor.to)
def _to(r: Recorder, self: Any, *given: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> Tensor:
    kinds = [item for item in given if isinstance(item, torch.dtype)]
    if (
        any(not isinstance(item, (torch.dtype, torch.device, str, bool)) for item in given)
        or len(kinds) + (dtype is not None) > 1
    ):
        refuse("to() with these arguments", "leave it out: dtype belongs to the input and the device to the worker")
    return _moved(r, self, kinds[0] if kinds else dtype)


def _moved(r: Recorder, x: Any, dtype: torch.dtype | None) -> Tensor:
    """x on the device where the worker trains; a change of dtype is refused."""
    node = r.graph.nodes[r.node(x)]
    if dtype is not None and name_of(dtype) != node.dtype:
        refuse(f"a cast from {node.dtype} to {dtype}", "keep one dtype; precision belongs to the recipe")
    return r.traced(r.node(x), alias=x)


@spelled(Tensor.__len__)
def _length(r: Recorder, self: Any) -> int:
    size = (r.shape(self) or (-1,))[0] if mark_of(self) is not None else len(self)
    if size < 0:
        refuse("len() of a batch", "a network works alike for every batch size; x.shape[0] may be passed to view")
    return size


def _asked(name: str, answer: Any) -> None:
    function = getattr(Tensor, name)
    function = function if callable(function) else function.__get__

    @spelled(function)
    def handler(r: Recorder, self: Any, *given: Any, **named: Any) -> Any:
        return function(self, *given, **named) if mark_of(self) is None else answer(r, self, *given, **named)


def _size(r: Recorder, x: Tensor, dim: int | None = None) -> Any:
    seen = sizes(r.shape(x))
    return seen if dim is None else seen[axis_of(dim, len(seen))]


def _count(r: Recorder, x: Tensor) -> Any:
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
