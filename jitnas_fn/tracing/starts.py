"""How the numbers of a tensor came about, followed through a small algebra of distributions.

It is closed: an operation that it does not know makes a tensor unknown, under that operation's name.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jitnas_fn.core.codec import Json


@dataclass(frozen=True, slots=True)
class Start:
    """How the numbers of a storage came about.

    Attributes
    ----------
    kind
        "const", "uniform", "normal", "trunc_normal" as in `graphs.initialisations.checked_init`; "erfinv" for
        scale·erfinv(U(low, high)) + shift, a truncated normal in the making; "unknown".
    values
        The distribution's numbers.
    why
        For "unknown": the operation.
    draw
        Number of the random fill it comes from. Copies of one draw are not two draws.
    seeded
        Whether the model's code has chosen the seed before it was drawn.
    """

    kind: str
    values: tuple[float, ...] = ()
    why: str = ""
    draw: int = 0
    seeded: bool = False

    @property
    def init(self) -> Json | None:
        """As the document writes it; None where it cannot be said."""
        if self.kind == "const":
            return {"const": self.values[0]}
        return {self.kind: list(self.values)} if self.kind in ("uniform", "normal", "trunc_normal") else None


RANDOM = ("uniform", "normal", "trunc_normal", "erfinv")


DRAWING = ("rand", "rand_like", "randn", "randn_like", "uniform", "normal")  # operations that draw


def unknown(why: str) -> Start:
    """A start that cannot be told, and the operation that is why."""
    return Start("unknown", (), why)


def _affine(start: Start, factor: float, shift: float) -> Start:
    """factor·x + shift."""
    if start.kind == "unknown":
        return start
    v, moved = start.values, tuple(value * factor + shift for value in start.values)
    if start.kind == "const":
        return Start("const", moved)
    if start.kind == "uniform" and factor != 0:
        return replace(start, values=tuple(sorted(moved)))
    if start.kind == "normal" and factor != 0:
        return replace(start, values=(moved[0], v[1] * abs(factor)))
    if start.kind == "trunc_normal" and factor > 0:
        return replace(start, values=(moved[0], v[1] * factor, moved[2], moved[3]))
    if start.kind == "erfinv":
        return replace(start, values=(*v[:2], v[2] * factor, moved[3]))
    return unknown("scaling")


def _clamped(start: Start, low: Any, high: Any) -> Start:
    """The last step of PyTorch's `trunc_normal_`; anything else that is clamped is unknown."""
    if start.kind != "erfinv" or low is None or high is None:
        return unknown("clamp")
    below, above, scale, mean = start.values
    std = scale / math.sqrt(2)
    expected = [math.erf((edge - mean) / scale) if scale > 0 else 2.0 for edge in (low, high)]
    if max(abs(expected[0] - below), abs(expected[1] - above)) > 1e-6:
        return unknown("clamp")
    return replace(start, kind="trunc_normal", values=(mean, std, float(low), float(high)))


def _plain(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) else None


def _scaled(sign: float) -> Callable[[Start, dict[str, Any]], Start | None]:
    def rule(before: Start, named: dict[str, Any]) -> Start | None:
        other, alpha = _plain(named.get("other")), _plain(named.get("alpha", 1))
        return None if other is None or alpha is None else _affine(before, 1.0, sign * alpha * other)

    return rule


def _times(inverse: bool) -> Callable[[Start, dict[str, Any]], Start | None]:
    def rule(before: Start, named: dict[str, Any]) -> Start | None:
        other = _plain(named.get("other"))
        if named.get("rounding_mode") is not None:
            return None
        return None if other is None or (inverse and other == 0) else _affine(before, 1 / other if inverse else other, 0.0)

    return rule


def _constant(value: float) -> Callable[[Start, dict[str, Any]], Start | None]:
    return lambda before, named: Start("const", (value,))


def _filled(before: Start, named: dict[str, Any]) -> Start | None:
    value = _plain(named.get("value", named.get("fill_value")))
    return None if value is None else Start("const", (value,))


def _uniform(before: Start, named: dict[str, Any]) -> Start:
    return Start("uniform", (float(named.get("from", 0.0)), float(named.get("to", 1.0))))


def _normal(before: Start, named: dict[str, Any]) -> Start | None:
    mean, std = _plain(named.get("mean", 0.0)), _plain(named.get("std", 1.0))
    if mean is None or std is None or std < 0:
        return None
    return Start("normal", (mean, std)) if std else Start("const", (mean,))


def _erfinv(before: Start, named: dict[str, Any]) -> Start | None:
    return replace(before, kind="erfinv", values=(*before.values, 1.0, 0.0)) if before.kind == "uniform" else None


def _same(before: Start, named: dict[str, Any]) -> Start:
    return before


def _converted(before: Start, named: dict[str, Any]) -> Start | None:
    dtype = named.get("dtype")
    return before if dtype is None or dtype.is_floating_point else None


CONSTANTS = {
    "zeros",
    "zeros_like",
    "new_zeros",
    "zero",
    "ones",
    "ones_like",
    "new_ones",
    "full",
    "full_like",
    "new_full",
    "fill",
}
RULES: dict[str, Callable[[Start, dict[str, Any]], Start | None]] = {
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros", "zero"), _constant(0.0)),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), _constant(1.0)),
    **dict.fromkeys(("full", "full_like", "new_full", "fill"), _filled),
    **dict.fromkeys(("rand", "rand_like"), lambda before, named: Start("uniform", (0.0, 1.0))),
    **dict.fromkeys(("randn", "randn_like"), lambda before, named: Start("normal", (0.0, 1.0))),
    "uniform": _uniform,
    "normal": _normal,
    "erfinv": _erfinv,
    "clamp": lambda before, named: _clamped(before, named.get("min"), named.get("max")),
    "add": _scaled(1.0),
    "sub": _scaled(-1.0),
    "mul": _times(False),
    "div": _times(True),
    "neg": lambda before, named: _affine(before, -1.0, 0.0),
    "clone": _same,
    "_to_copy": _converted,
    "copy": lambda before, named: None,  # taken from the source
}
