"""How torch spells tensors of one value whose shape has the batch in it, or is another tensor's."""

from typing import Any

import torch
from torch import Tensor

from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.tracing.batch import sizes
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.spellings.views import listed, plain
from jitnas_fn.tracing.traced import Recorder, name_of


def _filled(r: Recorder, shape: Any, value: Any, dtype: Any) -> Tensor:
    if type(value) not in (int, float, bool) or (abs(value) > 2**24 and type(value) is int):
        refuse(f"a tensor filled with {str(value)[:40]}", "fill it with a number, below 2^24 if it is whole")
    name = dtype if isinstance(dtype, str) else name_of(torch.get_default_dtype() if dtype is None else dtype)
    kind = name if name in FLOATS else "float32"
    node = r.add("full", [], {"shape": [plain(size) for size in shape], "value": float(value), "dtype": kind})
    return r.traced(node if kind == name else r.add("cast", [("x", node)], {"dtype": name}))


@spelled(torch.full)
def _full(r: Recorder, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, size, fill_value, dtype)


@spelled(torch.zeros)
def _zeros(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, listed(size), 0.0, dtype)


@spelled(torch.ones)
def _ones(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, listed(size), 1.0, dtype)


@spelled(Tensor.new_full)
def _new_full(r: Recorder, self: Any, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, size, fill_value, r.dtype(self) if dtype is None else dtype)


def _new(value: float) -> Any:
    def handler(r: Recorder, self: Any, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
        return _filled(r, listed(size), value, r.dtype(self) if dtype is None else dtype)

    return handler


spelled(Tensor.new_zeros)(_new(0.0))
spelled(Tensor.new_ones)(_new(1.0))


def _like(value: float) -> Any:
    def handler(r: Recorder, input: Any, *, dtype: Any = None, device: Any = None, memory_format: Any = None) -> Tensor:
        return _filled(r, sizes(r.shape(input)), value, r.dtype(input) if dtype is None else dtype)

    return handler


spelled(torch.zeros_like)(_like(0.0))
spelled(torch.ones_like)(_like(1.0))


@spelled(torch.full_like)
def _full_like(r: Recorder, input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return _filled(r, sizes(r.shape(input)), fill_value, r.dtype(input) if dtype is None else dtype)
