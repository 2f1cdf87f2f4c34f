"""What the numbers of weights tell: one value, or a distribution that they may be drawn from."""

import math
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from jitnas_fn.core.codec import Json

RUN = 512  # entries that lie side by side
SAMPLED = 65_536  # entries of a large tensor that are looked at


SLACK = 6.0  # standard errors that the variance may be off; a false alarm in 5e8


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
    rounding = max(1e-6, torch.finfo(tensor.dtype).eps) if tensor.is_floating_point() else 0.0
    if kind == "trunc_normal":
        low, high = numbers[2:]
        return bool(values.min() >= low - abs(low) * rounding and values.max() <= high + abs(high) * rounding)
    if kind == "uniform":
        low, high = numbers
        slack = rounding * max(abs(low), abs(high))
        if not (values.min() >= low - slack and values.max() <= high + slack):  # nor a NaN
            return False
        mean, variance, kurtosis = (low + high) / 2, (high - low) ** 2 / 12, 1.8
    else:
        mean, variance, kurtosis = numbers[0], numbers[1] ** 2, 3.0
    count, zeros = len(values), len(values) - np.count_nonzero(values)
    if zeros > 2 or (zeros and count < 800):  # a float32 draw hits 0 about once in 2^24: what holds several was pruned
        return False
    total, ends = values.sum(), values[0] + values[-1]
    if abs(total / count - mean) > SLACK * math.sqrt(variance / count):
        return False
    spread = _dot(values, values) / count - 2 * mean * total / count + mean**2  # Σ(v − mean)² / N
    if abs(spread - variance) > SLACK * variance * math.sqrt((kurtosis - 1) / count):
        return False
    if count < 8:
        return True
    pairs = count - 1
    order = _dot(values[1:], values[:-1]) / pairs - mean * (2 * total - ends) / pairs + mean**2  # of neighbours
    return bool(abs(order) <= SLACK * variance / math.sqrt(pairs))


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
