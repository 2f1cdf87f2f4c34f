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

HOOKS = ("_backward_hooks", "_backward_pre_hooks", "_forward_hooks", "_forward_pre_hooks")
OF_MODULE = ("_parameters", "_buffers", "_modules")


def inspect(model: nn.Module) -> tuple[dict[int, str], dict[int, str]]:
    """Names of the model's parameters and buffers by the id of the tensor.

    Raises
    ------
    UnsupportedModel
        For compiled or lazy modules, hooks, and tensors that share memory without being the same.
    """
    if any(getattr(global_hooks, f"_global{hook}", None) for hook in HOOKS):
        refuse("there are global module hooks", "remove them first")
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
            refuse(f"{name or 'the model'} is a compiled or scripted module", "pass the plain module")
        if any(getattr(module, hook, None) for hook in HOOKS):
            refuse(f"{name or 'the model'} has hooks", "write into forward what they do")
    parameters = {id(p): name for name, p in model.named_parameters(remove_duplicate=False)}
    buffers = {id(b): name for name, b in model.named_buffers(remove_duplicate=False)}
    owners: dict[int, str] = {}
    seen: set[int] = set()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if is_lazy(tensor):
            refuse(f"{name} is lazy and has no shape yet", "call the model once on a batch first")
        if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
            refuse(f"{name} has a gradient hook", "remove it")
        if type(tensor) not in (nn.Parameter, torch.Tensor, nn.Buffer):
            refuse(f"{name} is a {type(tensor).__name__}", "use plain parameters and buffers")
        if tensor.device.type != "meta" and tensor.numel() and id(tensor) not in seen:
            place = tensor.untyped_storage().data_ptr()
            if place in owners:
                refuse(f"{name} and {owners[place]} share memory", "to tie weights, use one and the same nn.Parameter")
            owners[place] = name
        seen.add(id(tensor))
    return parameters, buffers


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


def _copied(module: nn.Module) -> dict[str, Any]:
    return {name: _container(value, 3) for name, value in module.__dict__.items()}


def _container(value: Any, depth: int) -> Any:
    """The value, and for a plain container what is in it."""
    if depth and type(value) in (list, tuple, set):
        return value, [_container(item, depth - 1) for item in value]
    if depth and isinstance(value, dict):
        return value, [(key, _container(item, depth - 1)) for key, item in value.items()]
    return value, None


def _restored(module: nn.Module, attributes: dict[str, Any]) -> list[str]:
    """Names of the attributes that had changed."""
    changed = [name for name in module.__dict__ if name not in attributes and name != "training"]
    for name in changed:
        del module.__dict__[name]
    for name, copied in attributes.items():
        if name not in module.__dict__ or module.__dict__[name] is not copied[0] or _refilled(copied):
            if name != "training":
                changed.append(name)
            module.__dict__[name] = copied[0]
    return changed


def _refilled(copied: Any) -> bool:
    """Put back what was in a container; True if it had changed."""
    value, content = copied
    if content is None:
        return False
    inner = [_refilled(item[1] if isinstance(value, dict) else item) for item in content]
    if isinstance(value, dict):
        same = list(value) == [key for key, _ in content] and all(value[key] is item[0] for key, item in content)
        if not same:
            value.clear()
            value.update({key: item[0] for key, item in content})
    else:
        same = len(value) == len(content) and all(a is b[0] for a, b in zip(value, content, strict=False))
        if not same and isinstance(value, list):
            value[:] = [item[0] for item in content]
        elif not same and isinstance(value, set):
            value.clear()
            value.update(item[0] for item in content)
    return not same or any(inner)


def _random_state() -> tuple[Any, ...]:
    numpy_random = sys.modules.get("numpy.random")
    drawn = numpy_random.get_state(legacy=True) if numpy_random else None
    numpy_state = None if drawn is None else (drawn[1].tobytes(), *drawn[2:])
    return random.getstate(), numpy_state, torch.get_rng_state().numpy().tobytes()
