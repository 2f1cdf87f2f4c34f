"""How torch spells random draws outside of dropout. Each draw is an operation of its own: one used twice is not two."""

from typing import Any

import torch
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.arithmetic import number
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.spellings.views import listed, plain
from jitnas_fn.tracing.traced import Recorder, mark_of, name_of

# Functions that belong into the trace though no argument of theirs does.
MAKES_NEW = {torch.empty, torch.rand, torch.randn}


def _drawn_node(r: Recorder, kind: str, shape: Any, dtype: Any, p: float | None = None) -> int:
    name = dtype if isinstance(dtype, str) else name_of(torch.get_default_dtype() if dtype is None else dtype)
    return r.drawn(r.add("noise", [], {"kind": kind, "p": p, "shape": [plain(size) for size in shape], "dtype": name}))


def _scaled_node(r: Recorder, node: int, factor: float, shift: float) -> int:
    if factor == 0.0:
        refuse("a random draw without width", "use a constant")
    return r.add("sum", [(repr(factor), node)], {"constant": shift})


def _creator(kind: str) -> Any:
    def handler(
        r: Recorder, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, generator: Any = None
    ) -> Tensor:
        if requires_grad or generator is not None:
            refuse("a random tensor with requires_grad or a generator of its own", "leave both out")
        return r.traced(_drawn_node(r, kind, listed(size), dtype))

    return handler


spelled(torch.rand)(_creator("uniform"))
spelled(torch.randn)(_creator("normal"))


def _alike(kind: str) -> Any:
    def handler(r: Recorder, input: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
        return r.traced(_drawn_node(r, kind, r.shape(input), r.dtype(input) if dtype is None else dtype))

    return handler


spelled(torch.rand_like)(_alike("uniform"))
spelled(torch.randn_like)(_alike("normal"))


# memory, and what is drawn into it


def _unset(r: Recorder, shape: Any, dtype: Any) -> Tensor:
    """Memory that must be filled before it is read."""
    name = dtype if isinstance(dtype, str) else name_of(torch.get_default_dtype() if dtype is None else dtype)
    node = r.add("full", [], {"shape": [plain(size) for size in shape], "value": 0.0, "dtype": name})
    return r.memory(node)


@spelled(torch.empty)
def _empty(r: Recorder, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return _unset(r, listed(size), dtype)


@spelled(Tensor.new_empty)
def _new_empty(r: Recorder, self: Any, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return _unset(r, listed(size), r.dtype(self) if dtype is None else dtype)


@spelled(torch.empty_like)
def _empty_like(r: Recorder, input: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return _unset(r, r.shape(input), r.dtype(input) if dtype is None else dtype)


def _fresh(r: Recorder, x: Any) -> tuple[Any, str]:
    if mark_of(x) is None:
        refuse("a random draw into a tensor that is not traced", "draw into torch.empty_like(x)")
    return r.shape(x), r.dtype(x)


@spelled(Tensor.bernoulli_)
def _bernoulli_in_place(r: Recorder, self: Any, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    if isinstance(p, Tensor) or generator is not None:
        refuse("bernoulli_ with a tensor or a generator", "use one probability")
    return r.overwrite(self, _drawn_node(r, "coins", *_fresh(r, self), number(p)), fills=True)


@spelled(Tensor.uniform_)
def _uniform_in_place(r: Recorder, self: Any, *bounds: Any, generator: Any = None) -> Tensor:
    low, high = [number(bound) for bound in (*bounds, 0.0, 1.0)[:2]] if len(bounds) != 1 else (number(bounds[0]), 1.0)
    return r.overwrite(self, _scaled_node(r, _drawn_node(r, "uniform", *_fresh(r, self)), high - low, low), fills=True)


@spelled(Tensor.normal_)
def _normal_in_place(r: Recorder, self: Any, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Tensor:
    node = _drawn_node(r, "normal", *_fresh(r, self))
    return r.overwrite(self, _scaled_node(r, node, number(std), number(mean)), fills=True)


@spelled(torch.bernoulli, Tensor.bernoulli)
def _bernoulli(r: Recorder, input: Any, p: Any = None, *, generator: Any = None) -> Tensor:
    """Coins of one probability; those of a tensor are where a uniform draw lies below."""
    if generator is not None:
        refuse("bernoulli with a generator", "leave it out")
    if p is not None:
        return r.traced(_drawn_node(r, "coins", r.shape(input), r.dtype(input), number(p)))
    source = r.graph.nodes[r.node(input)]
    if source.op == "full":
        return r.traced(_drawn_node(r, "coins", source.shape, source.dtype, source.attrs["value"]))
    return refuse("bernoulli of a tensor", "compare torch.rand_like(x) with it")


@spelled(Tensor.fill_)
def _fill(r: Recorder, self: Any, value: Any) -> Tensor:
    shape, dtype = _fresh(r, self)
    return r.overwrite(self, r.add("full", [], {"shape": list(shape), "value": number(value), "dtype": dtype}), fills=True)


@spelled(Tensor.zero_)
def _zero(r: Recorder, self: Any) -> Tensor:
    return _fill(r, self, 0.0)  # type: ignore[no-any-return]
