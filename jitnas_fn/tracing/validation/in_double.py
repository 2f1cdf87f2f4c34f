"""A model runs on real numbers in double precision, with random draws that another network can repeat."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.attention import attention, multi_head_attention
from jitnas_fn.tracing.spellings.recurrent import LAYERS, stacked
from jitnas_fn.tracing.validation.costly import COSTLY
from jitnas_fn.tracing.validation.remembered import Memory
from jitnas_fn.tracing.validation.shared_draws import RANDOM, WIDE, SharedDraws

NARROW = torch.float32


class InDouble(TorchFunctionMode):
    """Every function of torch that gets float64 gets nothing but that where the model says float32; draws are shared.

    What a model computes from constants alone stays in float32, as it is when it is traced.

    Parameters
    ----------
    draws
        Whose next places the random functions take.
    memory
        What is known of this call.
    """

    def __init__(self, draws: SharedDraws, memory: Memory) -> None:
        super().__init__()
        self.draws = draws
        self.memory = memory

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func == _DTYPE:  # a new object at each look
            return NARROW if args[0].dtype == WIDE else args[0].dtype
        named = kwargs or {}
        if func in RANDOM or func in UNSET or _has_wide(args) or _has_wide(named.values()):
            args, named = [self._wide(item) for item in args], {name: self._wide(item) for name, item in named.items()}
        if func in RANDOM:
            return RANDOM[func](self.draws, *args, **named)
        costly = COSTLY.get(func)
        found = costly(self.memory, False, *args, **named) if costly else None
        if found is not None:
            return found
        if _draws_inside(func, args, named):
            with self:
                return SPELLED_OUT[func](*args, **named)
        value = (Tensor.double if func is Tensor.float and args[0].dtype == WIDE else func)(*args, **named)
        return value.double() if func in UNSET and value.dtype == NARROW else value

    def _wide(self, item: Any) -> Any:
        if isinstance(item, Tensor):
            return item.double() if item.dtype == NARROW else item
        if item is NARROW:
            return WIDE
        if type(item) in (tuple, list):
            return type(item)(self._wide(part) for part in item)
        return item


def _has_wide(items: Any) -> bool:
    for item in items:
        if isinstance(item, Tensor):
            if item.dtype == WIDE:
                return True
        elif type(item) in (tuple, list) and _has_wide(item):
            return True
    return False


UNSET = {torch.empty, Tensor.new_empty, torch.empty_like}  # memory that is drawn into
_DTYPE = Tensor.dtype.__get__  # type: ignore[attr-defined]


# functions of torch that draw inside: with dropout they are taken apart as the trace takes them
SPELLED_OUT: dict[Any, Callable[..., Any]] = {
    F.scaled_dot_product_attention: attention,
    F.multi_head_attention_forward: multi_head_attention,
    **{function: lambda *args, _kind=kind: _recurrent(_kind, *args) for kind, function in LAYERS.items()},
}


def _recurrent(kind: str, input: Tensor, hx: Any, *rest: Any) -> Any:
    return stacked(kind, input, list(hx) if isinstance(hx, (tuple, list)) else [hx], *rest)


def _draws_inside(func: Any, args: list[Any], kwargs: dict[str, Any]) -> bool:
    if func not in SPELLED_OUT:
        return False
    if func is F.scaled_dot_product_attention:
        return bool(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
    if func is F.multi_head_attention_forward:
        return bool(kwargs.get("training", True) and args[10])
    if not isinstance(args[3], bool):
        refuse("a recurrent layer on packed sequences", "give (N, T, F) with batch_first=True")
    return bool(args[5] and args[6])


@contextmanager
def state_in_double(model: nn.Module, widened: set[int]) -> Iterator[None]:
    """Let the model's parameters and buffers hold copies without gradients, and put back what they were.

    Parameters
    ----------
    model
        Whose they are.
    widened
        ids of those that hold float64 meanwhile. What is content stays as it is: what is computed from it stays in float32.
    """
    tensors = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}.values()
    before = [(tensor, tensor.data, tensor.grad) for tensor in tensors]
    try:
        for tensor, data, _ in before:
            tensor.grad = None
            tensor.data = data.double() if data.dtype == NARROW and id(tensor) in widened else data.clone()
        yield
    finally:
        for tensor, data, gradient in before:
            tensor.grad = None
            tensor.data = data
            tensor.grad = gradient
