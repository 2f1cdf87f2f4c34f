"""What the numbers of weights tell: one value, or a distribution that they may be drawn from."""

import math
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.initialisations import KEPT, share_inside

RUN = 512  # entries that lie side by side
SAMPLED = 65_536  # entries of a large tensor that are looked at
SLACK = 6.0  # standard errors that a moment may be off; a false alarm in 5e8


def held(value: float, dtype: torch.dtype) -> float:
    """The shortest decimal that the tensor's type holds as the same number as `value`."""
    return float(str(np.float32(value))) if dtype == torch.float32 and abs(value) < 3e38 else float(value)


def one_value(tensor: torch.Tensor) -> float | None:
    """The one value that all entries have; None if there are several, or if a single entry looks drawn (over 6 digits)."""
    flat = _numbers(tensor)
    if flat.size == 0 or not tensor.is_floating_point():
        return None
    if (flat[:8] != flat[0]).any() or (flat != flat[0]).any():  # most tensors end at the first look
        return None
    value = held(float(flat[0]), tensor.dtype)
    looks_drawn = flat.size == 1 and _digits(value) > 6
    return value if math.isfinite(value) and not looks_drawn else None


def _numbers(tensor: torch.Tensor) -> Any:
    """The tensor's entries as an array, shape (N,)."""
    plain = tensor.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy().reshape(-1)


def _digits(value: float) -> int:
    return len(repr(abs(value)).split("e")[0].replace(".", "").strip("0"))


def _sampled(tensor: torch.Tensor) -> Any:
    """The entries, shape (N,); of a large tensor runs of them, evenly spaced: single ones would each cost a look at memory."""
    flat = _numbers(tensor)
    if flat.size > SAMPLED:
        step = flat.size * RUN // SAMPLED
        flat = flat[: step * (SAMPLED // RUN)].reshape(-1, step)[:, :RUN].reshape(-1)
    return flat.astype(np.float64)


def holds(tensor: torch.Tensor, init: Json) -> bool:
    """Whether the numbers may come from `init`: bounds, mean, variance, and no order among them."""
    if tensor.is_meta or not tensor.numel():
        return True
    ((kind, numbers),) = init.items()
    values = _sampled(tensor)
    if kind == "const":
        return bool((values == float(torch.tensor(numbers, dtype=tensor.dtype))).all())
    if kind == "rows":
        ends = list(accumulate(count for count, _ in numbers))
        return all(holds(tensor[end - count : end], piece) for end, (count, piece) in zip(ends, numbers, strict=True))
    mean, variance, kurtosis, low, high = _moments(kind, numbers)
    rounding = max(1e-6, torch.finfo(tensor.dtype).eps) if tensor.is_floating_point() else 0.0
    if not (values.min() >= low - abs(low) * rounding and values.max() <= high + abs(high) * rounding):  # nor a NaN
        return False
    count, zeros = len(values), len(values) - np.count_nonzero(values)
    if zeros > 2 or (zeros and count < 64):  # a float32 draw hits 0 about once in 2^24: what holds several was pruned
        return False
    total, ends = values.sum(), values[0] + values[-1]
    few = SLACK**2 / count if kurtosis >= 3 else 0.0  # squares of few normal numbers have a long tail: Laurent & Massart 2000
    if abs(total / count - mean) > SLACK * math.sqrt(variance / count):
        return False
    spread = _dot(values, values) / count - 2 * mean * total / count + mean**2  # Σ(v − mean)² / N
    if abs(spread - variance) > variance * (SLACK * math.sqrt((kurtosis - 1) / count) + few):
        return False
    if count < 8:
        return True
    pairs = count - 1
    order = _dot(values[1:], values[:-1]) / pairs - mean * (2 * total - ends) / pairs + mean**2  # of neighbours
    return bool(abs(order) <= variance * (SLACK / math.sqrt(pairs) + few))


def _moments(kind: str, numbers: list[float]) -> tuple[float, float, float, float, float]:
    """Mean, variance, (a bound on the) kurtosis, and the bounds of a distribution."""
    if kind == "uniform":
        low, high = numbers
        return (low + high) / 2, (high - low) ** 2 / 12, 1.8, low, high
    mean, std = numbers[:2]
    if kind == "normal":
        return mean, std**2, 3.0, -math.inf, math.inf
    low, high = numbers[2:]
    below, above = (low - mean) / std, (high - mean) / std
    within = share_inside(numbers)
    if within < KEPT:  # no document says it, so its bounds are enough
        return (low + high) / 2, (high - low) ** 2, 9.0, low, high
    at = [math.exp(-(edge**2) / 2) / math.sqrt(2 * math.pi) / within for edge in (below, above)]
    moved = at[0] - at[1]
    variance = 1 + (below * at[0] if at[0] else 0.0) - (above * at[1] if at[1] else 0.0) - moved**2
    return mean + std * moved, std**2 * variance, 9.0, low, high  # an exponential tail's, the longest


def _dot(a: Any, b: Any) -> float:
    """Σ a·b on one thread: NumPy's own `dot` wakes as many as there are cores."""
    return float(np.einsum("i,i->", a, b))


def described(tensor: torch.Tensor) -> str:
    """The range and spread of the numbers, for a message."""
    values = _sampled(tensor)
    return f"from {values.min():.4g} to {values.max():.4g}, standard deviation {values.std():.4g}"


def shown(init: Json) -> str:
    """An initialisation as a message writes it."""
    ((name, numbers),) = init.items()
    if name == "rows":
        return f"rows({', '.join(shown(piece) for _, piece in numbers)})"
    return f"{name}({', '.join(f'{number:.4g}' for number in numbers)})"
