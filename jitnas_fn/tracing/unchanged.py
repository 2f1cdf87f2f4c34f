"""A model object that is as it was is not traced again.

What tracing depends on is read off the object: its modules and attributes, its tensors' numbers, and the code of its classes
with all that the code refers to by name. Where something cannot be read in full, nothing is remembered: it costs time alone.
"""

import abc
import dis
import enum
import functools
import hashlib
import json
import types
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as global_hooks

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.tracing.content import numbers_of
from jitnas_fn.tracing.state import HOOKS

PLAIN = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type(Ellipsis),
    torch.dtype,
    torch.device,
    torch.layout,
    range,
    slice,
)
SIMPLE = (bool, int, str, type(None))
HIDING = {
    "getattr",
    "globals",
    "vars",
    "locals",
    "eval",
    "exec",
    "__dict__",
    "__import__",
    "importlib",
    "environ",
    "getenv",
    "open",
}
TRUSTED = (
    "torch",
    "numpy",
    "math",
    "builtins",
    "typing",
    "collections",
    "functools",
    "itertools",
    "operator",
    "einops",
    "warnings",
)
WRAPPERS = (functools.partial, types.MethodType, staticmethod, classmethod, property)
MAX_DEPTH = 64
UNREAD = ("training", "_is_full_backward_hook")  # which mode a model is in changes nothing
Signature = tuple[Any, ...]
_KNOWN: "weakref.WeakKeyDictionary[nn.Module, dict[Any, tuple[Signature, str, str]]]" = weakref.WeakKeyDictionary()


def remembered(model: Any, about: Any, signature: Signature | None) -> Architecture | None:
    """The architecture that `model` had when its signature was this."""
    found = _KNOWN.get(model, {}).get(about) if isinstance(model, nn.Module) else None
    if found is None or signature is None or found[0] != signature:
        return None
    _, text, fingerprint = found
    return Architecture(json.loads(text), fingerprint)  # a document of its own: whoever changes it changes no other


def remember(model: nn.Module, about: Any, signature: Signature | None, architecture: Architecture) -> None:
    """Keep the architecture for as long as the model lives and stays as it is."""
    if signature is not None:
        _KNOWN.setdefault(model, {})[about] = signature, architecture.to_json(), architecture.fingerprint


def signature_of(model: Any) -> Signature | None:
    """All that tracing a module object depends on, to be compared; None if it is no module or cannot be read in full."""
    if not isinstance(model, nn.Module) or len({module.training for module in model.modules()}) != 1:
        return None
    if any(getattr(global_hooks, f"_global{hook}", None) for hook in HOOKS):
        return None
    functions = tuple(map(id, vars(torch.nn.functional).values()))  # somebody may have put another in its place
    try:
        return str(torch.get_default_dtype()), functions, _Reader().of(model)
    except Exception:  # noqa: BLE001  whatever cannot be read is not remembered
        return None


class _Unreadable(Exception):
    pass


class _Reader:
    """Reads one model. What it meets again is told by its number, so that sharing is part of the signature."""

    def __init__(self) -> None:
        self.met: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used twice while it reads

    def of(self, value: Any, depth: int = 0) -> Any:
        """What `value` is, as something hashable."""
        kind = type(value)
        if kind in SIMPLE:
            return kind, value
        if kind in PLAIN:
            return kind, repr(value)
        if isinstance(value, enum.Enum):
            return kind, value.name, self.of(kind, depth + 1)
        if depth > MAX_DEPTH:
            raise _Unreadable
        if id(value) in self.met:
            return self.met[id(value)]
        self.met[id(value)] = len(self.met)
        self.kept.append(value)
        return tuple(self._parts(value, depth + 1))

    def _parts(self, value: Any, depth: int) -> Iterator[Any]:
        kind = type(value)
        yield kind.__module__, kind.__qualname__
        if isinstance(value, Tensor):
            yield from self._tensor(value)
        elif isinstance(value, nn.Module):
            yield self.of(kind, depth)
            yield self._attributes(vars(value), depth)
        elif kind in (dict, OrderedDict, list, tuple, torch.Size, set, frozenset) or hasattr(kind, "_fields"):
            yield self._container(value, depth)
        elif isinstance(value, (type, types.FunctionType, *WRAPPERS)):
            yield from self._code(value, depth)
        elif isinstance(value, types.BuiltinFunctionType):
            yield id(value)  # of C: it lives as long as the process
        elif kind.__base__ is object and hasattr(value, "__dict__") and not hasattr(kind, "__slots__"):
            yield self.of(kind, depth)
            yield self._mapping(vars(value), depth)
        else:
            raise _Unreadable

    def _attributes(self, attributes: dict[str, Any], depth: int) -> list[Any]:
        """Of a module. Most attributes of torch's own are empty, or a number or two."""
        found: list[Any] = []
        for name, value in attributes.items():
            kind = type(value)
            if name in UNREAD or (kind in (dict, OrderedDict) and not value):
                continue
            if kind in SIMPLE or (kind is tuple and all(type(item) is int for item in value)):
                found.append((name, kind, value))
            elif kind is float:
                found.append((name, repr(value)))
            elif name in ("_parameters", "_buffers"):
                found.append((name, [(own, None if t is None else self._registered(t)) for own, t in value.items()]))
            else:
                found.append((name, self.of(value, depth)))
        return found

    def _registered(self, tensor: Tensor) -> Any:
        if id(tensor) in self.met:
            return self.met[id(tensor)]
        self.met[id(tensor)] = len(self.met)
        return list(self._tensor(tensor))

    def _container(self, value: Any, depth: int) -> tuple[Any, ...]:
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple)):
            return tuple(self.of(item, depth) for item in value)
        if all(isinstance(item, PLAIN) for item in value):
            return tuple(sorted(map(repr, value)))
        raise _Unreadable

    def _code(self, value: Any, depth: int) -> Iterator[Any]:
        if isinstance(value, functools.partial):
            yield self.of((value.func, value.args, value.keywords), depth)
        elif isinstance(value, type):
            yield from self._class(value, depth)
        elif isinstance(value, types.MethodType):
            yield self.of((value.__func__, value.__self__), depth)
        elif isinstance(value, (staticmethod, classmethod)):
            yield self.of(value.__func__, depth)
        elif isinstance(value, property):
            yield self.of((value.fget, value.fset), depth)
        else:
            yield from self._function(value, depth)

    def _mapping(self, mapping: Any, depth: int) -> tuple[Any, ...]:
        if not all(isinstance(key, PLAIN) for key in mapping):
            raise _Unreadable
        return tuple(
            (key if type(key) is str else repr(key), None if type(item) is dict and not item else self.of(item, depth))
            for key, item in mapping.items()
        )

    def _tensor(self, tensor: Tensor) -> Iterator[Any]:
        place = tensor.untyped_storage()._cdata if tensor.layout == torch.strided else 0
        yield self.met.setdefault(place, len(self.met)), tensor.storage_offset()  # who shares memory
        yield type(tensor), tensor.shape, tensor.dtype, tensor.device, tensor.requires_grad, tensor.stride()
        if (
            vars(tensor)
            or tensor._backward_hooks
            or tensor.layout != torch.strided
            or getattr(tensor, "_post_accumulate_grad_hooks", None)
        ):
            raise _Unreadable
        if not tensor.is_meta:
            yield _hash_of(tensor)

    def _class(self, kind: type, depth: int) -> Iterator[Any]:
        if type(kind) not in (type, abc.ABCMeta, enum.EnumMeta) and not _is_trusted(kind):
            raise _Unreadable
        for base in kind.__mro__:
            if _is_trusted(base):
                yield base.__module__, base.__qualname__, id(vars(base).get("forward"))
            elif base is not object:
                names = [name for name in vars(base) if name not in ("__dict__", "__weakref__", "__doc__", "__module__")]
                yield tuple((name, self.of(vars(base)[name], depth)) for name in names if not name.startswith("__annot"))

    def _function(self, function: types.FunctionType, depth: int) -> Iterator[Any]:
        if (function.__globals__.get("__name__") or "").partition(".")[0] in TRUSTED:
            yield id(function)
            return
        if HIDING & _names_in(function.__code__) or _imports(function.__code__):
            raise _Unreadable
        yield function.__code__
        yield self.of((function.__defaults__, function.__kwdefaults__, vars(function)), depth)
        for cell in function.__closure__ or ():
            yield self.of(cell.cell_contents, depth) if _is_filled(cell) else None
        for name in sorted(_names_in(function.__code__)):
            if name in function.__globals__:
                yield name, self._referred(function.__globals__[name], _names_in(function.__code__), depth)

    def _referred(self, value: Any, names: frozenset[str], depth: int) -> Any:
        """What a global name stands for; of a module, what the code may take from it."""
        if not isinstance(value, types.ModuleType):
            return self.of(value, depth)
        found = [(name, getattr(value, name)) for name in sorted(names) if not name.startswith("__") and hasattr(value, name)]
        if value.__name__.partition(".")[0] in TRUSTED:
            return tuple((name, id(item)) for name, item in found if callable(item))
        return tuple((name, self._referred(item, names, depth + 1)) for name, item in found)


def _hash_of(tensor: Tensor) -> bytes:
    """Of all numbers: what is written through `.data`, torch does not count."""
    return hashlib.sha256(numbers_of(tensor).data).digest()


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018  raises where nothing is in it
    except ValueError:
        return False
    return True


def _is_trusted(value: Any) -> bool:
    return (getattr(value, "__module__", None) or "").partition(".")[0] in (*TRUSTED, "jitnas_fn")


@functools.cache
def _imports(code: types.CodeType) -> bool:
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return any(step.opname == "IMPORT_NAME" for step in dis.get_instructions(code)) or any(map(_imports, inner))


@functools.cache
def _names_in(code: types.CodeType) -> frozenset[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return frozenset(code.co_names).union(*map(_names_in, inner))
