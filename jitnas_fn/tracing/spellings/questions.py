"""What changes nothing but a type or a gradient, and what may be asked of a tensor."""

import math
from typing import Any

import torch
from torch import Tensor

from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.tracing.batch import sizes
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.spellings.views import axis_of
from jitnas_fn.tracing.traced import Recorder, mark_of, name_of

# what changes nothing, and what may be asked


@spelled(Tensor.clone, torch.clone)
def _clone(r: Recorder, input: Any, *, memory_format: Any = None) -> Tensor:
    return r.traced(r.node(input))


@spelled(Tensor.contiguous)
def _contiguous(r: Recorder, self: Any, memory_format: Any = None) -> Tensor:
    if not torch.is_grad_enabled():
        refuse("contiguous() where gradients are off", "whether that cuts them depends on strides; use detach()")
    return r.traced(r.node(self), alias=self)


@spelled(torch.detach, Tensor.detach, Tensor.data.__get__)  # type: ignore[attr-defined]
def _detach(r: Recorder, input: Any) -> Tensor:
    return r.traced(r.cut(r.node(input)), alias=input)


def _cast(dtype: torch.dtype | None) -> Any:
    def handler(r: Recorder, self: Any, *, memory_format: Any = None) -> Tensor:
        return _moved(r, self, dtype)

    return handler


for _method, _dtype in {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "long": torch.int64,
    "int": torch.int32,
    "bool": torch.bool,
}.items():
    spelled(getattr(Tensor, _method))(_cast(_dtype))


@spelled(Tensor.cpu, Tensor.cuda)
def _to_device(r: Recorder, self: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    return _moved(r, self, None)


@spelled(Tensor.to)
def _to(r: Recorder, self: Any, *given: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> Tensor:
    if len(given) == 1 and isinstance(given[0], Tensor):
        return _type_as(r, self, given[0])  # type: ignore[no-any-return]
    kinds = [item for item in given if isinstance(item, torch.dtype)]
    if (
        sum(isinstance(item, bool) for item in given) > 1
        or any(not isinstance(item, (torch.dtype, torch.device, str, bool)) for item in given)
        or len(kinds) + (dtype is not None) > 1
    ):
        refuse("to() with these arguments", "leave it out: dtype belongs to the input and the device to the worker")
    return _moved(r, self, kinds[0] if kinds else dtype)


@spelled(Tensor.type_as)
def _type_as(r: Recorder, self: Any, other: Any) -> Tensor:
    return _moved(r, self, getattr(torch, r.dtype(other)))


def _moved(r: Recorder, x: Any, dtype: torch.dtype | None) -> Tensor:
    """x on the device where the worker trains, and in another type if one is given; torch gives x itself if that is all."""
    name = r.dtype(x) if dtype is None else name_of(dtype)
    if name != r.dtype(x):
        return r.traced(r.add("cast", [("x", r.node(x))], {"dtype": name}))
    r.node(x)
    return x  # type: ignore[no-any-return]


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
    "dtype": lambda r, x: getattr(torch, r.dtype(x)),
    "device": lambda r, x: torch.device("cpu"),
    "is_cuda": lambda r, x: False,
    "is_floating_point": lambda r, x: r.dtype(x) in FLOATS,
    "is_complex": lambda r, x: False,
    "is_sparse": lambda r, x: False,
    "is_nested": lambda r, x: False,
    "is_meta": lambda r, x: False,
    "layout": lambda r, x: torch.strided,
    "__hash__": lambda r, x: id(x),
}.items():
    _asked(_name, _answer)


def _looking(name: str, instead: str) -> None:
    @spelled(getattr(Tensor, name, None))
    def handler(r: Recorder, self: Any, *given: Any, **named: Any) -> Any:
        refuse(f"forward looks at the numbers of a tensor ({name})", instead)


BRANCH = "a graph has no branches on values: compute both and choose with torch.where"
for _name, _instead in {
    **dict.fromkeys(("__bool__", "item", "__float__", "__int__", "__index__", "tolist"), BRANCH),
    **dict.fromkeys(("numpy", "__array__"), "compute with torch instead of numpy"),
}.items():
    _looking(_name, _instead)


@spelled(torch.is_floating_point)
def _is_floating_point(r: Recorder, input: Any) -> bool:
    return r.dtype(input) in FLOATS


def counted(r: Recorder, function: Any, args: Any) -> bool:
    """Whether this is a batch-norm that counts its calls; with a momentum nothing reads the count."""
    if function not in (Tensor.add_, Tensor.__iadd__) or len(args) != 2 or args[1] != 1:
        return False
    name = r.buffers.get(id(args[0]), "")
    if name.rpartition(".")[2] != "num_batches_tracked":
        return False
    r.kept(args[0])
    return True
