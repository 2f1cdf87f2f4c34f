"""How each parameter starts: read from what construction did, or told from a module object and checked against its weights."""

import math
from typing import Any

import numpy as np
import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import UnknownInitialisation
from jitnas_fn.tracing.construction import Construction, Start
from jitnas_fn.tracing.rebuild import Rebuilt

MODES = ("as built", "default")
SAMPLED = 65_536  # entries of a large tensor that are looked at
SLACK = 6.0  # standard errors that the variance may be off; a false alarm in 5e8
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
ADVICE = (
    "pass the class or a function that builds the model instead of the object, so that the construction can be read, "
    "or initialisation='default' to have all weights drawn anew from PyTorch's defaults"
)


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
        self.met: dict[object, str] = {}  # draws, or the first numbers of weights, and whose they are

    def of(self, name: str, tensor: torch.Tensor) -> Json:
        """The initialisation of one parameter or buffer, as the document writes it.

        Raises
        ------
        UnknownInitialisation
            If it cannot be told; the message names the parameter and what to do.
        """
        default = self.defaults.get(id(tensor))
        if name in self.drawn:
            return self.drawn[name]
        if self.mode == "default" and default is not None:
            return default
        start = self.construction.start_of(tensor) if self.construction else None
        if start is not None and start.init is not None:
            if not _holds(tensor, start.init):
                raise UnknownInitialisation(
                    f"{name} was written to in a way that cannot be followed; use torch.nn.init, {ADVICE}"
                )
            self._refuse_copies(name, start.draw or name)
            return _snapped(start.init, default, tensor)
        return self._told_from(name, tensor, default, start)

    def _told_from(self, name: str, tensor: torch.Tensor, default: Json | None, start: Start | None) -> Json:
        """The initialisation as the tensor's numbers tell it."""
        if tensor.is_meta and default is not None:
            return default
        value = None if tensor.is_meta or (start is not None and start.why.startswith("empty")) else _constant(tensor)
        if value is not None:
            return {"const": value}
        if tensor.is_meta:
            raise UnknownInitialisation(f"{name} is on the meta device and has no default; {ADVICE}")
        if start is not None:
            raise UnknownInitialisation(
                f"{name} is initialised by {start.why or start.kind}, which cannot be repeated from a seed; use uniform_, "
                "normal_, trunc_normal_, xavier, kaiming or constant_ of torch.nn.init, or initialisation='default'"
            )
        if not tensor.requires_grad:
            raise UnknownInitialisation(f"{name} is frozen and not constant: its numbers are the network's; {ADVICE}")
        if default is None or "uniform" not in default:
            raise UnknownInitialisation(f"{name} has weights of its own ({_described(tensor)}) and no default; {ADVICE}")
        if not _holds(tensor, default):
            raise UnknownInitialisation(
                f"the weights of {name} ({_described(tensor)}) are not PyTorch's default draw {_shown(default)}: "
                f"trained or initialised anew? {ADVICE}"
            )
        self._refuse_copies(name, tuple(tensor.detach().reshape(-1)[:16].abs().tolist()) if tensor.numel() > 1 else name)
        return default

    def _refuse_copies(self, name: str, draw: object) -> None:
        """Two parameters that begin with the same random numbers are no two draws."""
        first = self.met.setdefault(draw, name)
        if first != name:
            raise UnknownInitialisation(
                f"{name} begins as a copy of {first} (a deepcopy?): build each layer by itself, "
                "or pass initialisation='default' to draw each anew"
            )


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
    return found


def _snapped(init: Json, default: Json | None, tensor: torch.Tensor) -> Json:
    """`init`, written as the default where both agree to rounding, and a constant as the tensor holds it."""
    if "const" in init:
        return {"const": _held(init["const"], tensor.dtype)}
    if default is not None and list(init) == list(default):
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
    values, ((kind, numbers),) = _sampled(tensor), init.items()
    if kind == "const":
        return bool((values == float(torch.tensor(numbers, dtype=tensor.dtype))).all())
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
    count, centred = len(values), values - mean
    zeros = int((values == 0).sum())  # a float32 draw hits 0 about once in 2^24: what holds several was pruned
    if zeros > 2 or (zeros and count < 800):
        return False
    if abs(centred.mean()) > SLACK * math.sqrt(variance / count):
        return False
    if abs((centred**2).mean() - variance) > SLACK * variance * math.sqrt((kurtosis - 1) / count):
        return False
    return count < 8 or abs((centred[1:] * centred[:-1]).mean()) <= SLACK * variance / math.sqrt(count - 1)


def _described(tensor: torch.Tensor) -> str:
    values = _sampled(tensor)
    return f"from {values.min():.4g} to {values.max():.4g}, standard deviation {values.std():.4g}"


def _shown(init: Json) -> str:
    ((name, numbers),) = init.items()
    return f"{name}({', '.join(f'{number:.4g}' for number in numbers)})"
