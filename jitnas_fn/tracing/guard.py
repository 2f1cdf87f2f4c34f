"""The module that is traced stays as it was, and what would escape a trace is refused before it starts."""

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.state import Modules, only_torchs

CONTAINERS = (dict, list, set, tuple)
SIMPLE = (bool, int, float, str, type(None))


@contextmanager
def untouched(modules: Modules) -> Iterator[None]:
    """Put every attribute and mode of every module back afterwards, and refuse what forward has changed."""
    modes = [(module, module.training) for _, module in modules]
    own_code = not only_torchs(modules)
    before = [(name, module, _copied(module)) for name, module in modules if own_code]
    changed: list[str] = []
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for name, module, attributes in before:
            changed += [f"{name}.{attribute}".lstrip(".") for attribute in _restored(module, attributes)]
    if changed:
        refuse(f"forward changes {', '.join(sorted(set(changed))[:4])}", "keep no state in forward")


Content = list[tuple[Any, Any]] | None  # None: too deep inside to be looked at


def _copied(module: nn.Module) -> tuple[dict[str, Any], list[tuple[str, Any, Content]]]:
    """The attributes of a module, and what is in those that are plain containers."""
    attributes, inside = dict(module.__dict__), []  # type: tuple[dict[str, Any], list[tuple[str, Any, Content]]]
    for name, value in attributes.items():
        if type(value) in SIMPLE:
            continue
        if isinstance(value, CONTAINERS):
            inside.append((name, value, _content(value, 3)))
        elif _is_plain_object(value):
            inside.append((name, vars(value), _content(vars(value), 2)))
    return attributes, inside


def _is_plain_object(value: Any) -> bool:
    ours = type(value).__module__.startswith("jitnas_fn.")  # a rebuilt network's architecture
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, (nn.Module, torch.Tensor, type))
        and not callable(value)
        and not ours
    )


def _content(value: Any, depth: int) -> Content:
    """The items of a container, and what is in those of them that are containers too."""
    if not isinstance(value, CONTAINERS) or not value:
        return []
    if depth == 0:
        return None
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [(key, (item, _content(item, depth - 1))) for key, item in items]


def _restored(module: nn.Module, copied: tuple[dict[str, Any], list[tuple[str, Any, Content]]]) -> list[str]:
    """Put the attributes back; the names of those that had changed."""
    attributes, inside = copied
    now = module.__dict__
    changed = [name for name in now if name not in attributes]
    for name in changed:
        del now[name]
    if not (len(now) == len(attributes) and all(map(operator.is_, now.values(), attributes.values()))):
        for name, value in attributes.items():
            if name != "training" and now.get(name, now) is not value:
                now[name] = value
                changed.append(name)
    return changed + [name for name, value, content in inside if _refilled(value, content)]


def _refilled(value: Any, content: Content) -> bool:
    """Put back what was in a container; True if it had changed."""
    if content is None or (not value and not content):  # most are: a module has a dozen empty dictionaries
        return False
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    same = len(items) == len(content) and all(
        key == was and item is had for (key, item), (was, (had, _)) in zip(items, content, strict=True)
    )
    if not same and isinstance(value, dict):
        value.clear()
        value.update({key: item for key, (item, _) in content})
    elif not same and isinstance(value, list):
        value[:] = [item for _, (item, _) in content]
    elif not same and isinstance(value, set):
        value.clear()
        value.update(item for _, (item, _) in content)
    inner = [_refilled(item, deeper) for _, (item, deeper) in content if isinstance(item, CONTAINERS)]
    return not same or any(inner)
