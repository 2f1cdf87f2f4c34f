"""What building a model did to each parameter: the last random fill or constant, with its arguments.

All tensor operations of the construction pass by; each storage is followed through a small algebra of distributions. It is
closed as well: an operation that it does not know makes the storage unknown, under that operation's name.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from jitnas_fn.tracing.starts import CONSTANTS, DRAWING, RANDOM, RULES, Start, unknown

Pieces = list[tuple[int, int, Start]]  # (first element, end, how they began), in their order, without gaps
MAX_PIECES = 64
HANDED_OUT = {torch.Tensor.numpy, torch.Tensor.__array__, torch.Tensor.tolist}


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
        self._types: dict[int, torch.dtype] = {}  # storage -> of the tensor that was last written as a whole
        self._made_of: dict[int, set[int]] = {}  # storage -> the storages whose numbers went into it
        self._draws = self._seedings = 0
        self._repeats = False  # whether later draws may be those of before
        self._alive: list[Any] = []  # so that no address is used twice

    def start_of(self, tensor: torch.Tensor) -> Start | None:
        """How this tensor's storage began; None if it was not made here, unknown if its parts began differently."""
        storage = tensor.untyped_storage()._cdata
        if storage in self._pieces:
            return unknown("writes to parts of it")
        if tensor.dtype != self._types.get(storage, tensor.dtype):
            return unknown("a view as another type")
        return self._starts.get(storage)

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
        self._types[storage._cdata] = tensor.dtype
        self._pieces.pop(storage._cdata, None)

    def _set_part(self, tensor: torch.Tensor, start: Start) -> None:
        """Note a write to an unbroken part of a storage that is known otherwise."""
        storage = tensor.untyped_storage()
        size = storage.nbytes() // tensor.element_size()
        before = self._pieces.get(storage._cdata) or [(0, size, self._starts.get(storage._cdata, unknown("a partial write")))]
        if start.kind in RANDOM and start.draw:
            start = unknown("a copy of other numbers into a part of it")
        begin = int(tensor.storage_offset())
        end = begin + tensor.numel()
        if not tensor.is_contiguous() or len(before) > MAX_PIECES:
            self._set(tensor, unknown("a partial write"))
            return
        kept = [(a, min(b, begin), s) for a, b, s in before if a < begin] + [
            (max(a, end), b, s) for a, b, s in before if b > end
        ]
        self._pieces[storage._cdata] = sorted([*kept, (begin, end, self._numbered(start))], key=lambda piece: piece[0])

    def __enter__(self) -> Self:
        self._state = _generator_state()
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
            tensor, Start("trunc_normal", (float(mean), float(std), float(a), float(b))) if known else unknown("trunc_normal_")
        )
        return value

    def looked_at(self, tensor: torch.Tensor) -> None:
        """A number was taken out of a tensor: construction may have branched on it, so what it came from is unknown."""
        todo = [tensor.untyped_storage()._cdata]
        while todo:
            storage = todo.pop()
            if storage in self._starts:
                self._starts[storage] = unknown("a look at its values")
                self._pieces.pop(storage, None)
            todo += self._made_of.pop(storage, ())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = dict(kwargs or {})
        for argument, value in zip(func._schema.arguments, args, strict=False):
            named[argument.name] = value
        value = self._run(func, args, kwargs or {})
        name = func._schema.name.removeprefix("aten::")
        if name in ("_local_scalar_dense", "equal", "is_nonzero"):
            for tensor in _tensors([*args]):
                self.looked_at(tensor)
        changed = [a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        if name == "set_":  # the tensor takes over another's memory, and with it how that began
            return value
        read = {tensor.untyped_storage()._cdata for tensor in _tensors([*args, *(kwargs or {}).values()])}
        if changed:
            # what is written `out` has nothing to do with what was there
            done = name.removesuffix("_") if not changed[0].startswith("out") else f"{name} into another tensor"
            self._written(_tensors([named.get(argument) for argument in changed]), done, named)
        for tensor in _tensors([value]):
            storage = tensor.untyped_storage()._cdata
            self._made_of.setdefault(storage, set()).update(read - {storage})
            if not changed and storage not in read:  # a view keeps what its storage has
                self._set(tensor, self._after(name, named.get("self", named.get("input")), named))
        return value

    def _run(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The value of a function; one that draws tells whether somebody has chosen the seed since the last draw."""
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        if _generator_state() != self._state:
            self.seeded()
        value = func(*args, **kwargs)
        self._state = _generator_state()
        return value

    def _written(self, tensors: list[torch.Tensor], name: str, named: dict[str, Any]) -> None:
        for tensor in tensors:
            if _whole(tensor):
                self._set(tensor, self._after(name, tensor, named))
            elif tensor.numel():
                self._set_part(tensor, self._after(name, tensor, named))

    def _after(self, name: str, target: Any, named: dict[str, Any]) -> Start:
        """What a tensor holds after operation `name`, whose first tensor was `target`."""
        before = self.start_of(target) if isinstance(target, torch.Tensor) and _whole(target) else None
        rule = RULES.get(name)
        if rule is None or (isinstance(target, torch.Tensor) and not target.is_floating_point() and name not in CONSTANTS):
            return unknown(name)
        if named.get("generator") is not None:
            return unknown(f"{name} with a generator of its own")
        if self._repeats and name in DRAWING:
            return unknown(f"{name} after a second choice of the seed")
        found = rule(before or unknown(name), named)
        if found is None and isinstance(named.get("src"), torch.Tensor):  # copy_
            source = named["src"]
            alike = _whole(source) and source.shape == target.shape and source.stride() == target.stride()
            found = self.start_of(source) if alike and source.is_floating_point() and target.is_floating_point() else None
            if source.numel() == 1 and (single := self.start_of(source)) is not None and single.kind == "const":
                found = single
        return found or unknown(name)


def _tensors(values: list[Any]) -> list[torch.Tensor]:
    flat = [item for value in values for item in (value if isinstance(value, (list, tuple)) else [value])]
    return [item for item in flat if isinstance(item, torch.Tensor)]


def _generator_state() -> bytes:
    return torch.default_generator.get_state().numpy().tobytes()


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
