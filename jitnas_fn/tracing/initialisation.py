"""How each parameter starts: read from what construction did, or told from a module object and checked against its weights."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import UnknownInitialisation
from jitnas_fn.graphs.initialisations import joined
from jitnas_fn.tracing.construction import Construction
from jitnas_fn.tracing.defaults import defaults_of
from jitnas_fn.tracing.rebuild import Rebuilt
from jitnas_fn.tracing.starts import Start
from jitnas_fn.tracing.weights import described, held, holds, one_value, shown

MODES = ("as built", "default")
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
        self.defaults = defaults_of(model)
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
            if not holds(tensor, init):
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
        return drawn and start is not None and holds(tensor, start.init or {})

    def _told_from(self, name: str, tensor: torch.Tensor, default: Json | None, start: Start | None) -> Told:
        """The initialisation as the tensor's numbers tell it."""
        if tensor.is_meta and default is not None:
            return Told(default, name)
        value = None if tensor.is_meta or (start is not None and start.why.startswith("empty")) else one_value(tensor)
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
            raise UnknownInitialisation(f"{name} has weights of its own ({described(tensor)}) and no default; {ADVICE}")
        if not holds(tensor, default):
            raise UnknownInitialisation(
                f"the weights of {name} ({described(tensor)}) are not PyTorch's default draw {shown(default)}: "
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


def _snapped(init: Json, default: Json | None, tensor: torch.Tensor) -> Json:
    """`init`, written as the default where both agree to rounding, and a constant as the tensor holds it."""
    if "const" in init:
        return {"const": held(init["const"], tensor.dtype)}
    if default is not None and list(init) == list(default) and "rows" not in init:
        (numbers,), (expected,) = init.values(), default.values()
        if all(math.isclose(a, b, rel_tol=1e-12, abs_tol=0.0) for a, b in zip(numbers, expected, strict=True)):
            return default
    return init
