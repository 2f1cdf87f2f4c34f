"""What a class of somebody's own is made of, as a hash: source and values of all that it reaches and that is the user's."""

import contextlib
import hashlib
import linecache
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from jitnas_fn.search.installed import imported_by, is_installed
from jitnas_fn.search.plain import plainly

CONTAINERS = (list, tuple, set, frozenset, dict)


def source_digest(kind: type) -> str:
    """SHA-256 of a class: of the files or cells of a notebook that it reaches by names and imports, and of the values there.

    What comes from the standard library or an installed package is known by its name alone. A function whose source is nowhere
    to be read is known by its bytecode, which is another in another Python.
    """
    reached = _Reached()
    reached.take(kind.__qualname__, kind)
    return hashlib.sha256("\n".join(reached.told).encode(errors="backslashreplace")).hexdigest()


class _Reached:
    """What was met on the way, each once."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._files: set[str] = set()
        self._seen: dict[int, tuple[Any, int]] = {}  # by their identity, which holds as long as they live, and their number

    def take(self, name: str, value: Any) -> None:
        """Note what a name stands for, and go on from there."""
        if id(value) in self._seen:  # which of those that were met, for a name may come to stand for another of them
            self.told.append(f"{name}: as {self._seen[id(value)][1]}")
        elif isinstance(value, CONTAINERS):
            self._note(name, value, type(value).__name__)
            self._take_each(name, value)
        elif isinstance(value, ModuleType | type | FunctionType) and is_installed(value):
            self.told.append(f"{name}: {getattr(value, '__module__', '')}.{getattr(value, '__qualname__', name)}")
        elif isinstance(value, ModuleType):
            self._note(name, value, f"module {value.__name__}")
            self._take_file(getattr(value, "__file__", None), value.__package__)
        elif isinstance(value, type):
            self._note(name, value, f"class {value.__module__} {value.__qualname__}")
            self._take_class(value)
        elif isinstance(value, FunctionType):
            self._note(name, value, f"function {value.__qualname__} {_place_of(value.__code__)}")
            self._take_function(value)
        elif inner := _inside(value):
            self._note(name, value, type(value).__name__)
            for part, own in inner:
                self.take(f"{name}.{part}", own)
        else:
            self.told.append(f"{name}={plainly(value)}")

    def _note(self, name: str, value: object, what: str) -> None:
        self._seen[id(value)] = value, len(self._seen)
        self.told.append(f"{name}: {what}")

    def _take_each(self, name: str, values: Any) -> None:
        pairs: Iterable[tuple[Any, Any]] = values.items() if isinstance(values, dict) else enumerate(values)
        if isinstance(values, set | frozenset):  # whose order is another in each process
            pairs = enumerate(sorted(values, key=plainly))
        for place, value in pairs:
            self.take(f"{name}[{plainly(place)}]", value)

    def _take_class(self, kind: type) -> None:
        module = sys.modules.get(kind.__module__)
        self._take_file(getattr(module, "__file__", None), getattr(module, "__package__", None))
        for name, value in vars(kind).items():
            if not name.startswith(("_abc_", "__")) or name in ("__init__", "__call__"):
                self.take(name, value)
        for base in kind.__bases__:
            self.take(base.__name__, base)

    def _take_function(self, function: FunctionType) -> None:
        self._take_file(function.__code__.co_filename, function.__globals__.get("__package__"))
        if function.__code__.co_filename not in self._files:
            self.told.append(_bytecode(function.__code__))
        for name in sorted(set(_names_in(function.__code__))):
            if name in function.__globals__:
                self.take(name, function.__globals__[name])
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # of a name that nothing stands for yet
                self.take(name, cell.cell_contents)
        self.take("defaults", [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()])

    def _take_file(self, file: str | None, package: str | None) -> None:
        """The text of a file or cell, and of the user's files that it imports; nothing where there is no text."""
        if file is None or file in self._files:
            return
        lines = linecache.getlines(file)
        if not lines:
            return
        self._files.add(file)
        self.told += lines
        for imported, inside in imported_by("".join(lines), package):
            self._take_file(imported, inside)


def _inside(value: object) -> list[tuple[str, Any]]:
    """What stands behind a method, a property, a partial or a wrapper, or in an object of a class of the user's."""
    if isinstance(value, property):
        return [(name, part) for name in ("fget", "fset", "fdel") if (part := getattr(value, name)) is not None]
    if isinstance(value, partial):
        return [("func", value.func), ("args", value.args), ("keywords", value.keywords)]
    behind = [(name, getattr(value, name, None)) for name in ("__wrapped__", "__func__", "func", "__self__")]
    if any(isinstance(part, FunctionType) for _, part in behind):
        return behind
    return [] if is_installed(type(value)) else [("class", type(value)), *sorted(_own(value).items())]


def _own(value: object) -> dict[str, Any]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str)]
    return {name: getattr(value, name) for name in slots if hasattr(value, name)} | getattr(value, "__dict__", {})


def _place_of(code: CodeType) -> tuple[int, int]:
    """Where it begins, and the last column of it: a line may hold several."""
    places = [(line, column) for line, _, column, _ in code.co_positions() if line is not None and column is not None]
    return code.co_firstlineno, max(places, default=(0, 0))[1]


def _bytecode(code: CodeType) -> str:
    inner = [_bytecode(one) if isinstance(one, CodeType) else plainly(one) for one in code.co_consts]
    return " ".join([code.co_name, code.co_code.hex(), *code.co_names, *code.co_varnames, *inner])


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_in(inner)
