"""How torch spells reductions: sums, means, extremes, variances, norms."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.arithmetic import number
from jitnas_fn.tracing.spellings.table import TABLE, spelled
from jitnas_fn.tracing.spellings.views import axis_of, view
from jitnas_fn.tracing.traced import Recorder


def axes_from(r: Recorder, x: Any, dim: Any, what: str) -> list[int]:
    """The axes that `dim` names, rising; all of them if it names none."""
    shape = r.shape(x)
    if dim is None or dim in ([], ()):
        if any(size < 0 for size in shape):
            refuse(f"{what} over the batch", "name the axes, without the first")
        return list(range(len(shape)))
    return sorted(axis_of(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else [dim]))


def reduced(r: Recorder, x: Any, op: str, axes: list[int], keepdim: bool, **attrs: Any) -> Tensor:
    """An operation that takes axes away, or leaves them with a size of one."""
    if not axes:
        return r.traced(r.node(x))
    value = r.compute(op, [("x", x)], {"axes": axes, **attrs})
    kept = [1 if i in axes else size for i, size in enumerate(r.shape(x))]
    return view(r, value, "reshape", {"shape": kept}) if keepdim else value


def _reduction(op: str) -> Any:
    def handler(r: Recorder, input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        x = input if dtype is None else TABLE[Tensor.to](r, input, dtype)
        if op in ("mean", "reduce_sum") and r.dtype(x) not in FLOATS:
            refuse(f"{op} of whole numbers", "make them floats first: x.float()")
        return reduced(r, x, op, axes_from(r, x, dim, op), keepdim)

    return handler


spelled(torch.mean, Tensor.mean)(_reduction("mean"))
spelled(torch.sum, Tensor.sum)(_reduction("reduce_sum"))
spelled(torch.amax, Tensor.amax)(_reduction("reduce_max"))
spelled(torch.amin, Tensor.amin)(_reduction("reduce_min"))
spelled(torch.logsumexp, Tensor.logsumexp)(_reduction("logsumexp"))


class Extreme(tuple[Any, ...]):
    """What `max` and `min` along one axis give; the indices are not known."""

    __slots__ = ()

    @property
    def values(self) -> Any:
        """The extreme values."""
        return self[0]

    def __iter__(self) -> Any:
        return iter((self[0], None))

    def __getitem__(self, place: Any) -> Any:
        if place != 0:
            refuse("the indices of a maximum", "use its values alone")
        return super().__getitem__(0)


def _extreme(op: str, pairwise: str) -> Any:
    def handler(r: Recorder, input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, Tensor) or other is not None:
            return TABLE[getattr(torch, pairwise)](r, input, dim if other is None else other)
        if dim is None:
            refuse(f"{op} over the batch", "name one axis, without the first")
        axis = axis_of(dim, len(r.shape(input)))
        value = r.compute(op, [("x", input)], {"axis": axis})
        kept = [1 if i == axis else size for i, size in enumerate(r.shape(input))]
        return Extreme([view(r, value, "reshape", {"shape": kept}) if keepdim else value])

    return handler


spelled(torch.max, Tensor.max)(_extreme("largest", "maximum"))
spelled(torch.min, Tensor.min)(_extreme("smallest", "minimum"))


def _spread(op: str) -> Any:
    def handler(
        r: Recorder, input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
    ) -> Tensor:
        if isinstance(dim, bool):  # torch.var(x, unbiased)
            dim, unbiased = None, dim
        if not isinstance(correction, (int, type(None))):
            refuse(f"a variance with correction={correction}", "use a whole number")
        taken = 1 if correction is None and unbiased in (None, True) else correction or 0
        return reduced(r, input, op, axes_from(r, input, dim, op), keepdim, correction=int(taken))

    return handler


spelled(torch.var, Tensor.var)(_spread("variance"))
spelled(torch.std, Tensor.std)(_spread("deviation"))


def _norm_of(r: Recorder, x: Any, p: Any, dim: Any, keepdim: bool) -> Tensor:
    power = 2.0 if p in (None, "fro") else number(p)
    if not math.isfinite(power):
        refuse(f"a norm with p={p}", "use amax of abs")
    return reduced(r, x, "norm", axes_from(r, x, dim, "norm"), keepdim, p=power)


@spelled(torch.norm, Tensor.norm)
def _norm(
    r: Recorder, input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: None = None, dtype: Any = None
) -> Tensor:
    if dtype is not None or out is not None:
        refuse("a norm with a dtype", "cast before")
    return _norm_of(r, input, p, dim, keepdim)


@spelled(torch.linalg.vector_norm)
def _vector_norm(r: Recorder, x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    return _norm_of(r, x, ord, dim, keepdim)


@spelled(F.normalize)
def _normalize(r: Recorder, input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: None = None) -> Any:
    if out is not None:
        refuse("normalize into a tensor that is there", "use what it returns")
    least = TABLE[torch.clamp](r, _norm_of(r, input, p, dim, True), eps, None)
    return TABLE[torch.div](r, input, least)


@spelled(torch.cumsum, Tensor.cumsum)
def _cumsum(r: Recorder, input: Any, dim: int) -> Tensor:
    return r.compute("cumsum", [("x", input)], {"axis": axis_of(dim, len(r.shape(input)))})
