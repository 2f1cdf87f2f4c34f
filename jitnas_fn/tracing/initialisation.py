"""How each parameter starts: read from what construction did, or told from a module object and checked against its weights."""

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import UnknownInitialisation
from jitnas_fn.graphs.initialisations import joined
from jitnas_fn.tracing.construction import Construction, Start
from jitnas_fn.tracing.rebuild import Rebuilt

MODES = ("as built", "default")
SAMPLED = 65_536  # entries of a large tensor that are looked at
SLACK = 6.0  # standard errors that the variance may be off; a false alarm in 5e8
UNIFORM_OVER_HIDDEN = (nn.RNNBase, nn.RNNCellBase)
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
ADVICE = (
    "pass the class or a function that builds the model instead of the object, so that the construction can be read, "
    "or initialisation='default' to have all weights drawn anew from PyTorch's defaults"
)


@dataclass(frozen=True, slots=True)
class Told:
    """How a parameter or buffer starts.

    Attributes
    ----------
    init
        As the document writes it.
    draw
        What two parameters have in common that start with the very same random numbers.
    """

    init: Json
    draw: object


class Starts:
    """The initialisation of each parameter and buffer of a model.

    Parameters
    ----------
    model
        The model.
    construction
        What building it did, None for a module object.
    initialisation
        One of `MODES`.
    """

    def __init__(self, model: nn.Module, construction: Construction | None, initialisation: str) -> None:
        self.construction = construction
        self.mode = initialisation
        self.drawn = model.initialisations() if isinstance(model, Rebuilt) else {}
        self.defaults = _defaults(model)
        self.met: dict[object, tuple[str, torch.Tensor]] = {}  # first numbers of weights, and whose they are

    def of(self, name: str, tensor: torch.Tensor) -> Told:
        """The initialisation of one parameter or buffer.

        Raises
        ------
        UnknownInitialisation
            If it cannot be told; the message names the parameter and what to do.
        """
        default = self.defaults.get(id(tensor))
        if name in self.drawn:
            return Told(*self.drawn[name])
        if self.mode == "default" and default is not None:
            return Told(default, name)
        start = self.construction.start_of(tensor) if self.construction else None
        init = self._followed(tensor, start)
        if init is not None:
            if not _holds(tensor, init):
                raise UnknownInitialisation(
                    f"{name} was written to in a way that cannot be followed; use torch.nn.init, {ADVICE}"
                )
            if "const" in init:
                return Told(_snapped(init, default, tensor), name)
            if start is not None and start.seeded and not tensor.requires_grad:
                raise UnknownInitialisation(f"{name} is frozen, and its seed is the model's own")
            return Told(_snapped(init, default, tensor), self._draw_of(name, tensor, start.draw if start else 0))
        return self._told_from(name, tensor, default, start)

    def _followed(self, tensor: torch.Tensor, start: Start | None) -> Json | None:
        """What construction is known to have done, as the document writes it."""
        if start is None:
            return None
        if start.init is not None:
            return start.init
        assert self.construction is not None
        rows = [(count, piece.init) for count, piece in self.construction.rows_of(tensor)]
        if not rows or any(init is None for _, init in rows):
            return None
        return joined([(count, _snapped(init, None, tensor)) for count, init in rows if init is not None])

    def drawn_at_random(self, name: str, tensor: torch.Tensor) -> bool:
        """Whether construction is known to have drawn these numbers at random, in a way that can be repeated."""
        if name in self.drawn:
            return "const" not in self.drawn[name][0]
        start = self.construction.start_of(tensor) if self.construction else None
        drawn = start is not None and start.kind in ("uniform", "normal", "trunc_normal") and not start.seeded
        return drawn and start is not None and _holds(tensor, start.init or {})

    def _told_from(self, name: str, tensor: torch.Tensor, default: Json | None, start: Start | None) -> Told:
        """The initialisation as the tensor's numbers tell it."""
        if tensor.is_meta and default is not None:
            return Told(default, name)
        value = None if tensor.is_meta or (start is not None and start.why.startswith("empty")) else _constant(tensor)
        if value is not None:
            return Told({"const": value}, name)
        if tensor.is_meta:
            raise UnknownInitialisation(f"{name} is on the meta device and has no default; {ADVICE}")
        if start is not None:
            raise UnknownInitialisation(
                f"{name} is initialised by {start.why or start.kind}, which cannot be repeated from a seed; use uniform_, "
                "normal_, trunc_normal_, xavier, kaiming or constant_ of torch.nn.init, or initialisation='default'"
            )
        if not tensor.requires_grad:
            raise UnknownInitialisation(f"{name} is frozen and not constant: its numbers are the network's; {ADVICE}")
        if default is None or "const" in default:
            raise UnknownInitialisation(f"{name} has weights of its own ({_described(tensor)}) and no default; {ADVICE}")
        if not _holds(tensor, default):
            raise UnknownInitialisation(
                f"the weights of {name} ({_described(tensor)}) are not PyTorch's default draw {_shown(default)}: "
                f"trained or initialised anew? {ADVICE}"
            )
        return Told(default, self._draw_of(name, tensor))

    def _draw_of(self, name: str, tensor: torch.Tensor, draw: int = 0) -> object:
        """The name of the first parameter with the same numbers; one that is changed, or longer, is no draw of its own."""
        marks: list[object] = [draw] if draw else []
        if tensor.numel() > 1 and not tensor.is_meta:
            marks.append(tuple(tensor.detach().reshape(-1)[:16].abs().tolist()))
        for mark in marks:
            first, original = self.met.setdefault(mark, (name, tensor))
            if first != name:
                if tensor.is_meta or original.is_meta or not torch.equal(tensor, original):
                    raise UnknownInitialisation(
                        f"{name} begins as a changed copy of {first}: build each layer by itself; {ADVICE}"
                    )
                return first
        return name


def _defaults(model: nn.Module) -> dict[int, Json]:
    """PyTorch's own initialisation of the parameters and statistics of its layers, by the id of the tensor."""
    found: dict[int, Json] = {}
    for module in model.modules():
        own = {**module._parameters, **module._buffers}  # not by attribute, which a parametrization computes
        weight = own.get("weight")
        if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)) and weight is not None and weight.numel():
            bound = 1 / math.sqrt(math.prod(weight.shape[1:]))  # kaiming_uniform_(a=√5), and the same for the bias
            found |= {id(own.get(name)): {"uniform": [-bound, bound]} for name in ("weight", "bias")}
        elif isinstance(module, NORMS):
            constants = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
            found |= {id(own.get(name)): {"const": value} for name, value in constants.items()}
        elif isinstance(module, nn.PReLU):
            found[id(weight)] = {"const": 0.25}
        elif isinstance(module, UNIFORM_OVER_HIDDEN):
            bound = 1 / math.sqrt(module.hidden_size)
            found |= {id(tensor): {"uniform": [-bound, bound]} for tensor in own.values()}
        elif isinstance(module, nn.Embedding) and weight is not None:
            found[id(weight)] = _embedded(module)
        elif isinstance(module, nn.MultiheadAttention):
            found |= _attending(module)
    return found


def _embedded(module: nn.Embedding) -> Json:
    """Standard normal rows; the one that pads is zero."""
    drawn: Json = {"normal": [0.0, 1.0]}
    if module.padding_idx is None:
        return drawn
    before, after = module.padding_idx, module.num_embeddings - module.padding_idx - 1
    return joined([(count, init) for count, init in ((before, drawn), (1, {"const": 0.0}), (after, drawn)) if count])


def _attending(module: nn.MultiheadAttention) -> dict[int, Json]:
    """Xavier-uniform projections; no bias at first, also not in the last layer."""
    found: dict[int, Json] = {}
    for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
        weight = module._parameters.get(name)
        if weight is not None:
            bound = math.sqrt(6 / sum(weight.shape))
            found[id(weight)] = {"uniform": [-bound, bound]}
    for bias in (module._parameters.get("in_proj_bias"), module.out_proj._parameters.get("bias")):
        if bias is not None:
            found[id(bias)] = {"const": 0.0}
    return found


def _snapped(init: Json, default: Json | None, tensor: torch.Tensor) -> Json:
    """`init`, written as the default where both agree to rounding, and a constant as the tensor holds it."""
    if "const" in init:
        return {"const": _held(init["const"], tensor.dtype)}
    if default is not None and list(init) == list(default) and "rows" not in init:
        (numbers,), (expected,) = init.values(), default.values()
        if all(math.isclose(a, b, rel_tol=1e-12, abs_tol=0.0) for a, b in zip(numbers, expected, strict=True)):
            return default
    return init


def _held(value: float, dtype: torch.dtype) -> float:
    """The shortest decimal that the tensor's type holds as the same number as `value`."""
    return float(str(np.float32(value))) if dtype == torch.float32 and abs(value) < 3e38 else float(value)


def _constant(tensor: torch.Tensor) -> float | None:
    """The one value that all entries have; None if there are several, or if a single entry looks drawn (over 6 digits)."""
    flat = _numbers(tensor)
    if flat.size == 0 or not tensor.is_floating_point():
        return None
    if (flat[:8] != flat[0]).any() or (flat != flat[0]).any():  # most tensors end at the first look
        return None
    value = _held(float(flat[0]), tensor.dtype)
    looks_drawn = flat.size == 1 and _digits(value) > 6
    return value if math.isfinite(value) and not looks_drawn else None


def _numbers(tensor: torch.Tensor) -> Any:
    """The tensor's entries as an array, shape (N,)."""
    plain = tensor.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy().reshape(-1)


def _digits(value: float) -> int:
    return len(repr(abs(value)).split("e")[0].replace(".", "").strip("0"))


def _sampled(tensor: torch.Tensor) -> Any:
    flat = _numbers(tensor)
    return flat[:: -(-flat.size // SAMPLED)].astype(np.float64)


def _holds(tensor: torch.Tensor, init: Json) -> bool:
    """Whether the numbers may come from `init`: bounds, mean, variance, and no order among them."""
    if tensor.is_meta or not tensor.numel():
        return True
    ((kind, numbers),) = init.items()
    values = _sampled(tensor)
    if kind == "const":
        return bool((values == float(torch.tensor(numbers, dtype=tensor.dtype))).all())
    if kind == "rows":
        ends = list(accumulate(count for count, _ in numbers))
        return all(_holds(tensor[end - count : end], piece) for end, (count, piece) in zip(ends, numbers, strict=True))
    if kind == "trunc_normal":
        low, high = numbers[2:]
        return bool(values.min() >= low - abs(low) * 1e-6 and values.max() <= high + abs(high) * 1e-6)
    if kind == "uniform":
        low, high = numbers
        slack = 1e-6 * max(abs(low), abs(high))
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


def _described(tensor: torch.Tensor) -> str:
    values = _sampled(tensor)
    return f"from {values.min():.4g} to {values.max():.4g}, standard deviation {values.std():.4g}"


def _shown(init: Json) -> str:
    ((name, numbers),) = init.items()
    if name == "rows":
        return f"rows({', '.join(_shown(piece) for _, piece in numbers)})"
    return f"{name}({', '.join(f'{number:.4g}' for number in numbers)})"
