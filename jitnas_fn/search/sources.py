"""What a class of somebody's own is made of, as a hash: its source, and all of the user's that it reaches from there."""

import hashlib
import inspect
import linecache
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from jitnas_fn.core.errors import TaskError

LIBRARY = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
INSTALLED = {"site-packages", "dist-packages"}  # folders of packages
OURS = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def source_digest(kind: type) -> str:
    """SHA-256 of a class: of the files, or cells of a notebook, of all of the user's that it reaches, and of the values there.

    What comes from the standard library or an installed package is known by its name alone.

    Raises
    ------
    TaskError
        If its source is nowhere to be read, or it is made within a function, whose values nothing tells.
    """
    parts = _Parts()
    parts.take(kind.__qualname__, kind)
    return hashlib.sha256("\n".join(parts.told).encode()).hexdigest()


class _Parts:
    """What was met on the way, each once."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._seen: set[int] = set()
        self._files: set[str] = set()

    def take(self, name: str, value: Any) -> None:
        """Note what a name stands for, and go on from there."""
        if isinstance(value, ModuleType | type | FunctionType) and _is_installed(value):
            self.told.append(f"{name}: {getattr(value, '__module__', '')}.{getattr(value, '__qualname__', name)}")
        elif id(value) in self._seen:
            return
        elif isinstance(value, ModuleType):
            self._seen.add(id(value))
            self._note_file(str(getattr(value, "__file__", None)), name)
        elif isinstance(value, type):
            self._seen.add(id(value))
            self._take_class(value)
        elif function := _function_in(value):
            self._seen.add(id(value))
            self._take_function(function)
        elif isinstance(value, partial):
            self._seen.add(id(value))
            for part in (value.func, *value.args, *value.keywords.items()):
                self.take(name, part)
        else:
            self.told.append(f"{name}={_shown(value)}")
            if not _is_installed(type(value)):
                self._take_object(value)

    def _take_object(self, value: object) -> None:
        self._seen.add(id(value))
        self.take(type(value).__name__, type(value))
        for name, inner in sorted(getattr(value, "__dict__", {}).items()):
            self.take(name, inner)

    def _take_class(self, kind: type) -> None:
        own = {name: value for name, value in vars(kind).items() if not _is_made_by_python(name)}
        functions = [function for value in own.values() if (function := _function_in(value)) is not None]
        if "<locals>" in kind.__qualname__:
            raise TaskError(f"{kind.__name__} uses what stands around it, which no name tells: write it outside of functions")
        if not functions:
            self._note_file(_file_of(kind), kind.__name__)
        for name, value in own.items():
            self.take(name, value)
        for base in kind.__bases__:
            self.take(base.__name__, base)

    def _take_function(self, function: FunctionType) -> None:
        around = set(function.__code__.co_freevars) - {"__class__"}
        if around:
            raise TaskError(
                f"{function.__qualname__} uses what stands around it, {', '.join(sorted(around))}, which no name tells: make "
                "that an attribute"
            )
        self._note_file(function.__code__.co_filename, function.__qualname__)
        for name in sorted(_names_in(function.__code__)):
            if name in function.__globals__:
                self.take(name, function.__globals__[name])
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self.take(function.__qualname__, value)

    def _note_file(self, file: str, what: str) -> None:
        if file in self._files:
            return
        lines = linecache.getlines(file)
        if not lines:
            raise TaskError(f"the source of {what} is nowhere to be read: write it into a file, or a method into it")
        self._files.add(file)
        self.told += lines


def _shown(value: object) -> str:
    """As Python shows it, without its place in memory."""
    try:
        return ADDRESS.sub("", repr(value))
    except Exception:  # noqa: BLE001  a class of the user's may do anything there
        return type(value).__qualname__


def _function_in(value: object) -> FunctionType | None:
    """The function that a method or a property is of; None for what is none."""
    if isinstance(value, property):
        value = value.fget
    found = getattr(value, "__func__", value)
    return found if isinstance(found, FunctionType) else None


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_in(inner)


def _is_made_by_python(name: str) -> bool:
    return name.startswith("_abc_") or (name.startswith("__") and name.endswith("__") and name not in ("__init__", "__call__"))


def _is_installed(value: Any) -> bool:
    """Whether this comes from the standard library or an installed package, this one among them."""
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    if name == "__main__":  # a script or a notebook, whatever program runs it
        return False
    module = sys.modules.get(str(name).partition(".")[0])
    file = getattr(module, "__file__", None)
    if file is None:  # of Python itself; or made by hand
        return module is not None
    path = Path(file).resolve()
    return not INSTALLED.isdisjoint(path.parts) or any(path.is_relative_to(folder) for folder in (*LIBRARY, OURS))


def _file_of(kind: type) -> str:
    try:
        return inspect.getfile(kind)
    except (TypeError, OSError):  # of a notebook, or nowhere
        return ""
