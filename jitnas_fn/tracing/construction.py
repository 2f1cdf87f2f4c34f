"""What building a model did to each parameter: the last random fill or constant, with its arguments.

All tensor operations of the construction pass by; each storage is followed through a small algebra of distributions. It is
closed as well: an operation that it does not know makes the storage unknown, under that operation's name.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

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


Pieces = list[tuple[int, int, Start]]  # (first element, end, how they began), in their order, without gaps
MAX_PIECES = 64
HANDED_OUT = {torch.Tensor.numpy, torch.Tensor.__array__, torch.Tensor.tolist}
RANDOM = ("uniform", "normal", "trunc_normal", "erfinv")
DRAWING = ("rand", "rand_like", "randn", "randn_like", "uniform", "normal")  # operations that draw


def _unknown(why: str) -> Start:
    return Start("unknown", (), why)


def _affine(start: Start, factor: float, shift: float) -> Start:
    """factor·x + shift."""
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
    return _unknown("scaling")


def _clamped(start: Start, low: Any, high: Any) -> Start:
    """The last step of PyTorch's `trunc_normal_`; anything else that is clamped is unknown."""
    if start.kind != "erfinv" or low is None or high is None:
        return _unknown("clamp")
    below, above, scale, mean = start.values
    std = scale / math.sqrt(2)
    expected = [math.erf((edge - mean) / scale) if scale > 0 else 2.0 for edge in (low, high)]
    if max(abs(expected[0] - below), abs(expected[1] - above)) > 1e-6:
        return _unknown("clamp")
    return replace(start, kind="trunc_normal", values=(mean, std, float(low), float(high)))


class _Looks(TorchFunctionMode):
    """Tells a construction which tensors are handed out to code that writes past torch."""

    def __init__(self, construction: "Construction") -> None:
        super().__init__()
        self.construction = construction

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in HANDED_OUT:
            for tensor in _tensors(list(args)):
                self.construction.looked_at(tensor)
        return func(*args, **(kwargs or {}))


class Construction(TorchDispatchMode):
    """While it is active, follow what happens to every storage."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; without this, torch imports its compiler for a second or two."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._starts: dict[int, Start] = {}
        self._pieces: dict[int, Pieces] = {}  # storage -> what later writes to parts of it left where
        self._made_of: dict[int, set[int]] = {}  # storage -> the storages whose numbers went into it
        self._draws = self._seedings = 0
        self._repeats = False  # whether later draws may be those of before
        self._alive: list[Any] = []  # so that no address is used twice

    def start_of(self, tensor: torch.Tensor) -> Start | None:
        """How this tensor's storage began; None if it was not made here, unknown if its parts began differently."""
        storage = tensor.untyped_storage()._cdata
        return _unknown("writes to parts of it") if storage in self._pieces else self._starts.get(storage)

    def rows_of(self, tensor: torch.Tensor) -> list[tuple[int, Start]]:
        """How the rows of a tensor began that was written to in parts: (number of rows, start); empty if it was not."""
        pieces = self._pieces.get(tensor.untyped_storage()._cdata, [])
        width = tensor[0].numel() if tensor.dim() and tensor.numel() else 0
        if not width or not _whole(tensor) or any(begin % width or end % width for begin, end, _ in pieces):
            return []
        return [((end - begin) // width, start) for begin, end, start in pieces]

    def _numbered(self, start: Start) -> Start:
        if start.kind in RANDOM and start.draw == 0:
            self._draws += 1
            return replace(start, draw=self._draws, seeded=self._seedings > 0)
        return start

    def seeded(self) -> None:
        """The model's code chooses a seed. After a draw this may repeat numbers, so nothing drawn later is known."""
        self._seedings += 1
        self._repeats = self._draws > 0 or self._seedings > 1

    def _set(self, tensor: torch.Tensor, start: Start) -> None:
        storage = tensor.untyped_storage()
        self._alive.append(storage)
        self._starts[storage._cdata] = self._numbered(start)
        self._pieces.pop(storage._cdata, None)

    def _set_part(self, tensor: torch.Tensor, start: Start) -> None:
        """Note a write to an unbroken part of a storage that is known otherwise."""
        storage = tensor.untyped_storage()
        size = storage.nbytes() // tensor.element_size()
        before = self._pieces.get(storage._cdata) or [(0, size, self._starts.get(storage._cdata, _unknown("a partial write")))]
        begin = int(tensor.storage_offset())
        end = begin + tensor.numel()
        if not tensor.is_contiguous() or len(before) > MAX_PIECES:
            self._set(tensor, _unknown("a partial write"))
            return
        kept = [(a, min(b, begin), s) for a, b, s in before if a < begin] + [
            (max(a, end), b, s) for a, b, s in before if b > end
        ]
        self._pieces[storage._cdata] = sorted([*kept, (begin, end, self._numbered(start))], key=lambda piece: piece[0])

    def __enter__(self) -> Self:
        self._truncated = torch.nn.init._no_grad_trunc_normal_
        torch.nn.init._no_grad_trunc_normal_ = self._trunc_normal
        self._seeding = _watched_seeding(self.seeded)
        self._seeding.__enter__()
        self._looks = _Looks(self)
        self._looks.__enter__()  # type: ignore[no-untyped-call]
        return super().__enter__()  # type: ignore[no-any-return,no-untyped-call]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        torch.nn.init._no_grad_trunc_normal_ = self._truncated
        self._looks.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        self._seeding.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]

    def _trunc_normal(
        self, tensor: torch.Tensor, mean: float, std: float, a: float, b: float, generator: Any = None
    ) -> torch.Tensor:
        """PyTorch's truncated normal, known as a whole: how it draws differs from version to version."""
        value = self._truncated(tensor, mean, std, a, b, generator)
        plain = all(type(number) in (int, float) for number in (mean, std, a, b))
        known = _whole(tensor) and plain and generator is None and not self._repeats
        self._set(
            tensor, Start("trunc_normal", (float(mean), float(std), float(a), float(b))) if known else _unknown("trunc_normal_")
        )
        return value

    def looked_at(self, tensor: torch.Tensor) -> None:
        """A number was taken out of a tensor: construction may have branched on it, so what it came from is unknown."""
        todo = [tensor.untyped_storage()._cdata]
        while todo:
            storage = todo.pop()
            if storage in self._starts:
                self._starts[storage] = _unknown("a look at its values")
                self._pieces.pop(storage, None)
            todo += self._made_of.pop(storage, ())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = dict(kwargs or {})
        for argument, value in zip(func._schema.arguments, args, strict=False):
            named[argument.name] = value
        value = func(*args, **(kwargs or {}))
        name = func._schema.name.removeprefix("aten::")
        if name in ("_local_scalar_dense", "equal", "is_nonzero"):
            for tensor in _tensors([*args]):
                self.looked_at(tensor)
        written = [
            named.get(argument.name)
            for argument in func._schema.arguments
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        for tensor in _tensors(written):
            if _whole(tensor):
                self._set(tensor, self._after(name.removesuffix("_"), tensor, named))
            elif tensor.numel():
                self._set_part(tensor, self._after(name.removesuffix("_"), tensor, named))
        read = {tensor.untyped_storage()._cdata for tensor in _tensors([*args, *(kwargs or {}).values()])}
        for tensor in _tensors([value]):
            self._made_of.setdefault(tensor.untyped_storage()._cdata, set()).update(read - {tensor.untyped_storage()._cdata})
        if not written:
            for tensor in _tensors([value]):
                if tensor.untyped_storage()._cdata not in read:  # a view keeps what its storage has
                    self._set(tensor, self._after(name, named.get("self", named.get("input")), named))
        return value

    def _after(self, name: str, target: Any, named: dict[str, Any]) -> Start:
        """What a tensor holds after operation `name`, whose first tensor was `target`."""
        before = self.start_of(target) if isinstance(target, torch.Tensor) and _whole(target) else None
        rule = RULES.get(name)
        if rule is None:
            return _unknown(name)
        if named.get("generator") is not None:
            return _unknown(f"{name} with a generator of its own")
        if self._repeats and name in DRAWING:
            return _unknown(f"{name} after a second choice of the seed")
        found = rule(before or _unknown(name), named)
        if found is None and isinstance(named.get("src"), torch.Tensor):  # copy_
            source = named["src"]
            alike = _whole(source) and source.shape == target.shape and source.stride() == target.stride()
            found = self.start_of(source) if alike else None
            if source.numel() == 1 and (single := self.start_of(source)) is not None and single.kind == "const":
                found = single
        return found or _unknown(name)


def _tensors(values: list[Any]) -> list[torch.Tensor]:
    flat = [item for value in values for item in (value if isinstance(value, (list, tuple)) else [value])]
    return [item for item in flat if isinstance(item, torch.Tensor)]


def _whole(tensor: torch.Tensor) -> bool:
    """Whether the tensor is all of its memory, in its order."""
    return tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes() and tensor.is_contiguous()


@contextmanager
def _watched_seeding(seeded: Callable[[], None]) -> Iterator[None]:
    """Call `seeded` whenever torch's global generator is given a seed or state, in this thread."""
    mine = threading.get_ident()
    places = [(home, name) for home in (torch, torch.random) for name in ("manual_seed", "seed", "set_rng_state")]
    originals = [(home, name, getattr(home, name)) for home, name in places]

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == mine:
                seeded()
            return original(*args, **kwargs)

        return call

    try:
        for home, name, original in originals:
            setattr(home, name, watched(original))
        yield
    finally:
        for home, name, original in originals:
            setattr(home, name, original)


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
    "copy": lambda before, named: None,  # taken from the source
}
