"""The module that is traced stays as it was, and what would escape a trace is refused before it starts."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as global_hooks
from torch.nn.parameter import is_lazy

from jitnas_fn.tracing.traced import refuse

CONTAINERS = (dict, list, set, tuple)
HOOKS = ("_backward_hooks", "_backward_pre_hooks", "_forward_hooks", "_forward_pre_hooks")
PLAIN = (nn.Parameter, torch.Tensor, nn.Buffer)


def inspect(model: nn.Module) -> tuple[dict[int, str], dict[int, str]]:
    """Names of the model's parameters and buffers by the id of the tensor.

    Raises
    ------
    UnsupportedModel
        For compiled or lazy modules, hooks, and tensors that share memory without being the same.
    """
    if any(getattr(global_hooks, f"_global{hook}", None) for hook in HOOKS):
        refuse("there are global module hooks", "remove them first")
    parameters: dict[int, str] = {}
    buffers: dict[int, str] = {}
    owners: dict[int, str] = {}
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
            refuse(f"{path or 'the model'} is a compiled or scripted module", "pass the plain module")
        if any(getattr(module, hook, None) for hook in HOOKS):
            refuse(f"{path or 'the model'} has hooks", "write into forward what they do")
        for registered, names in ((module._parameters, parameters), (module._buffers, buffers)):
            for name, tensor in registered.items():
                if tensor is not None and id(tensor) not in names:
                    names[id(tensor)] = f"{path}.{name}".lstrip(".")
                    _check(names[id(tensor)], tensor, owners)
    return parameters, buffers


def _check(name: str, tensor: torch.Tensor, owners: dict[int, str]) -> None:
    """Refuse a tensor that is more than its numbers; `owners` says whose memory is whose."""
    if is_lazy(tensor):
        refuse(f"{name} is lazy and has no shape yet", "call the model once on a batch first")
    if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
        refuse(f"{name} has a gradient hook", "remove it")
    if type(tensor) not in PLAIN:
        refuse(f"{name} is a {type(tensor).__name__}", "use plain parameters and buffers")
    if tensor.is_meta or not tensor.numel():
        return
    first = owners.setdefault(tensor.untyped_storage().data_ptr(), name)
    if first != name:
        refuse(f"{name} and {first} share memory", "to tie weights, use one and the same nn.Parameter")


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put every attribute and mode of every module back afterwards, and refuse what forward has changed.

    Custom autograd functions are refused meanwhile.
    """
    apply = torch.autograd.Function.__dict__["apply"]
    modes = [(module, module.training) for module in model.modules()]
    before = [(name, module, _copied(module)) for name, module in model.named_modules()]
    draws = _random_state()
    drawn, changed = False, []
    torch.autograd.Function.apply = classmethod(_refuse_function)  # type: ignore[assignment,method-assign]
    try:
        yield
        drawn = draws != _random_state()
    finally:
        torch.autograd.Function.apply = apply  # type: ignore[method-assign]
        for module, mode in modes:
            module.training = mode
        for name, module, attributes in before:
            changed += [f"{name}.{attribute}".lstrip(".") for attribute in _restored(module, attributes)]
    if drawn:
        refuse(
            "forward draws random numbers outside of torch's layers", "use dropout layers; randomness may not shape the graph"
        )
    if changed:
        refuse(f"forward changes {', '.join(sorted(set(changed))[:4])}", "keep no state in forward")


def _refuse_function(cls: Any, *args: Any, **kwargs: Any) -> Any:
    refuse(f"custom autograd function {cls.__qualname__}", "its backward cannot be read; write it with torch operations")


Content = list[tuple[Any, Any]]


def _copied(module: nn.Module) -> tuple[dict[str, Any], list[tuple[str, Any, Content]]]:
    """The attributes of a module, and what is in those that are plain containers."""
    attributes = dict(module.__dict__)
    inside = [(name, value, _content(value, 3)) for name, value in attributes.items() if isinstance(value, CONTAINERS)]
    return attributes, inside


def _content(value: Any, depth: int) -> Content:
    """The items of a container, and what is in those of them that are containers too."""
    if depth == 0 or not isinstance(value, CONTAINERS) or not value:
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [(key, (item, _content(item, depth - 1))) for key, item in items]


def _restored(module: nn.Module, copied: tuple[dict[str, Any], list[tuple[str, Any, Content]]]) -> list[str]:
    """Put the attributes back; the names of those that had changed."""
    attributes, inside = copied
    now = module.__dict__
    changed = [name for name in now if name not in attributes]
    for name in changed:
        del now[name]
    for name, value in attributes.items():
        if name != "training" and now.get(name, now) is not value:
            now[name] = value
            changed.append(name)
    return changed + [name for name, value, content in inside if _refilled(value, content)]


def _refilled(value: Any, content: Content) -> bool:
    """Put back what was in a container; True if it had changed."""
    if not value and not content:  # most are: a module has a dozen empty dictionaries
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


def _random_state() -> tuple[Any, ...]:
    numpy_random = sys.modules.get("numpy.random")
    drawn = numpy_random.get_state(legacy=True) if numpy_random else None
    numpy_state = None if drawn is None else (drawn[1].tobytes(), *drawn[2:])
    return random.getstate(), numpy_state, torch.get_rng_state().numpy().tobytes()
