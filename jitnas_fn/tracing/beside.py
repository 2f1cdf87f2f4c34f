"""A model runs on real numbers in double precision, with random draws that another network can repeat."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.remembered import Memory
from jitnas_fn.tracing.run_random import alpha_dropped
from jitnas_fn.tracing.spellings.attention import attention, multi_head_attention
from jitnas_fn.tracing.spellings.recurrent import LAYERS, stacked
from jitnas_fn.tracing.spellings.table import numbers

NARROW, WIDE = torch.float32, torch.float64


class SharedDraws:
    """Random numbers by the order of their calls in the original, for it and for the network beside it.

    Parameters
    ----------
    order
        Canonical index of an operation of the network beside -> place of its draw in the order of the original's calls.
    """

    def __init__(self, order: dict[int, int]) -> None:
        self.order = order
        self.call = 0
        self.count = 0  # draws of the original in this call
        self._uniform: set[int] = set()  # places where the original drew uniform numbers

    def begin(self, call: int) -> None:
        """Say which call comes: its draws are others than those of the call before."""
        self.call, self.count = call, 0
        self._uniform = set()

    def next(self) -> int:
        """The place of the original's next draw."""
        self.count += 1
        return self.count - 1

    def _generator(self, place: int) -> torch.Generator:
        return torch.Generator().manual_seed(1_000_003 * self.call + place)

    def uniform(self, place: int, shape: Any) -> Tensor:
        """Numbers in [0, 1), float64."""
        return torch.rand(tuple(shape), generator=self._generator(place), dtype=WIDE)

    def drawn(self, place: int, kind: str, p: float | None, shape: Any) -> Tensor:
        """Numbers of this kind, float64."""
        if kind == "normal":
            return torch.randn(tuple(shape), generator=self._generator(place), dtype=WIDE)
        numbers = self.uniform(place, shape)
        return numbers if kind == "uniform" else (numbers < (p or 0.0)).to(WIDE)

    def note_uniform(self, place: int) -> None:
        """Note that the original draws uniform numbers here."""
        self._uniform.add(place)

    # what the network beside asks for

    def kept(self, number: int, shape: list[int], keep: float) -> Tensor:
        """Truths of this shape, each true with probability `keep`."""
        return self.uniform(self.order[number], shape) < keep

    def kept_samples(self, number: int, shape: list[int], keep: float) -> Tensor:
        """Truths of this shape, true where the original keeps the sample: also where it writes floor(keep + U)."""
        numbers = self.uniform(self.order[number], shape)
        return torch.floor(numbers + keep) > 0 if self.order[number] in self._uniform else numbers < keep

    def noise(self, number: int, kind: str, p: float | None, shape: list[int]) -> Tensor:
        """Numbers of this shape and kind."""
        return self.drawn(self.order[number], kind, p, shape)

    def at_step(self, step: int) -> None:
        """Training steps are not counted here."""


class Recalling(TorchFunctionMode):
    """Costly functions of torch are computed once for the same numbers.

    Parameters
    ----------
    memory
        What is known of this call.
    """

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        costly = COSTLY.get(func)
        found = costly(self.memory, *args, **(kwargs or {})) if costly else None
        return func(*args, **(kwargs or {})) if found is None else found


def _convolution(function: Any) -> Callable[..., Tensor | None]:
    def run(
        memory: Memory,
        input: Tensor,
        weight: Tensor,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor | None:
        if isinstance(padding, str):
            return None
        rank = weight.dim() - 2
        about = tuple(numbers(stride, rank)), tuple(numbers(padding, rank)), tuple(numbers(dilation, rank)), groups
        chosen: Any = by_channel if function is F.conv2d and _is_slow(input, weight, groups) else function
        return memory.computed(lambda tensors: chosen(*tensors, *about), [input, weight, bias], (function, about))

    return run


def _is_slow(input: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether torch would go through many small maps one after the other."""
    if groups != weight.shape[0] or weight.shape[1] != 1 or input.dim() != 4 or input.dtype != WIDE:
        return False
    work = input.shape[2] * input.shape[3] * weight.shape[2] * weight.shape[3]  # of one map
    return groups * 9 >= work  # measured


def _linear(memory: Memory, input: Tensor, weight: Tensor, bias: Any = None) -> Tensor:
    return memory.computed(lambda tensors: F.linear(*tensors), [input, weight, bias], F.linear)


COSTLY: dict[Any, Callable[..., Tensor | None]] = {
    **{getattr(home, f"conv{rank}d"): _convolution(getattr(F, f"conv{rank}d")) for home in (torch, F) for rank in (1, 2, 3)},
    F.linear: _linear,
}


def by_channel(
    input: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """`conv2d` with one channel a group, for which torch has no fast way in double precision.

    It is the sum over the kernel's places of shifted maps times a weight.
    """
    steps, rims, gaps = numbers(stride, 2), numbers(padding, 2), numbers(dilation, 2)
    padded = F.pad(input, (rims[1], rims[1], rims[0], rims[0]))
    rows, columns = weight.shape[2:]
    high = (padded.shape[2] - gaps[0] * (rows - 1) - 1) // steps[0] + 1
    wide = (padded.shape[3] - gaps[1] * (columns - 1) - 1) // steps[1] + 1
    total: Tensor | None = None if bias is None else bias[:, None, None]
    for i in range(rows):
        for j in range(columns):
            top, left = i * gaps[0], j * gaps[1]
            part = padded[
                :, :, top : top + steps[0] * (high - 1) + 1 : steps[0], left : left + steps[1] * (wide - 1) + 1 : steps[1]
            ]
            term = part * weight[:, 0, i, j, None, None]
            total = term if total is None else total + term
    assert total is not None
    return total


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
        found = costly(self.memory, *args, **named) if costly else None
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


# random functions, as the trace knows them


def _dropout(kind: str) -> Callable[..., Tensor]:
    def run(draws: SharedDraws, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training:
            return input
        shape = [*input.shape[:2], *[1] * (input.dim() - 2)] if kind in ("channel", "feature_alpha") else input.shape
        kept = draws.uniform(draws.next(), shape).to(input.device) < 1 - p
        if kind in ("element", "channel"):
            value = input * (kept.to(input.dtype) * (1 / (1 - p) if p < 1 else 0.0))
        else:
            value = alpha_dropped(input, kept, p)
        return input.copy_(value) if inplace else value

    return run


def _dropout_off_by_default(kind: str) -> Callable[..., Tensor]:
    run = _dropout(kind)

    def quiet(draws: SharedDraws, input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
        return run(draws, input, p, training, inplace)

    return quiet


def _created(kind: str) -> Callable[..., Tensor]:
    def run(draws: SharedDraws, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
        shape = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
        return _noise(draws, kind, None, shape).to(device=device, dtype=dtype or WIDE)

    return run


def _alike(kind: str) -> Callable[..., Tensor]:
    def run(draws: SharedDraws, input: Tensor, *, dtype: Any = None, device: Any = None) -> Tensor:
        return _noise(draws, kind, None, input.shape).to(device=input.device, dtype=dtype or input.dtype)

    return run


def _noise(draws: SharedDraws, kind: str, p: float | None, shape: Any) -> Tensor:
    place = draws.next()
    if kind == "uniform":
        draws.note_uniform(place)
    return draws.drawn(place, kind, p, shape)


def _into(draws: SharedDraws, x: Tensor, kind: str, factor: float, shift: float, p: float | None = None) -> Tensor:
    return x.copy_(_noise(draws, kind, p, x.shape) * factor + shift)


def _uniform_(draws: SharedDraws, self: Tensor, *bounds: float, generator: Any = None) -> Tensor:
    low, high = (*bounds, 0.0, 1.0)[:2] if len(bounds) != 1 else (bounds[0], 1.0)
    return _into(draws, self, "uniform", high - low, low)


def _bernoulli(draws: SharedDraws, input: Tensor, p: Any = None, *, generator: Any = None) -> Tensor:
    probability = float(input.flatten()[0]) if p is None else p
    return _noise(draws, "coins", probability, input.shape).to(device=input.device, dtype=input.dtype)


RANDOM: dict[Any, Callable[..., Tensor]] = {
    F.dropout: _dropout("element"),
    torch.dropout: _dropout("element"),
    F.dropout1d: _dropout("channel"),
    F.dropout2d: _dropout("channel"),
    F.dropout3d: _dropout("channel"),
    F.alpha_dropout: _dropout_off_by_default("alpha"),
    F.feature_alpha_dropout: _dropout_off_by_default("feature_alpha"),
    torch.rand: _created("uniform"),
    torch.randn: _created("normal"),
    torch.rand_like: _alike("uniform"),
    torch.randn_like: _alike("normal"),
    Tensor.bernoulli_: lambda draws, x, p=0.5, generator=None: _into(draws, x, "coins", 1.0, 0.0, p),
    Tensor.uniform_: _uniform_,
    Tensor.normal_: lambda draws, x, mean=0.0, std=1.0, generator=None: _into(draws, x, "normal", std, mean),
    torch.bernoulli: _bernoulli,
    Tensor.bernoulli: _bernoulli,
}

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
def state_in_double(model: nn.Module) -> Iterator[None]:
    """Let the model's parameters and buffers hold float64 copies without gradients, and put back what they were."""
    tensors = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}.values()
    before = [(tensor, tensor.data, tensor.grad) for tensor in tensors]
    try:
        for tensor, data, _ in before:
            tensor.grad = None
            tensor.data = data.double() if data.dtype == NARROW else data.clone()
        yield
    finally:
        for tensor, data, gradient in before:
            tensor.grad = None
            tensor.data = data
            tensor.grad = gradient
