"""The registered tensors of a model, and what of it would escape a trace."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn.modules import module as global_hooks
from torch.nn.parameter import is_lazy

from jitnas_fn.tracing.refusal import refuse

HOOKS = ("_backward_hooks", "_backward_pre_hooks", "_forward_hooks", "_forward_pre_hooks")


PLAIN = (nn.Parameter, torch.Tensor, nn.Buffer)


@dataclass(frozen=True, slots=True)
class State:
    """The registered tensors of a model.

    Attributes
    ----------
    parameters, buffers
        id of the tensor -> its name; a tied one has its first.
    owners
        (first byte, end) of the memory of each -> the tensor.
    tensors
        All of them.
    """

    parameters: dict[int, str]
    buffers: dict[int, str]
    owners: dict[tuple[int, int], torch.Tensor]
    tensors: list[torch.Tensor]


Modules = list[tuple[str, nn.Module]]  # (path, module), each once


def inspect(modules: Modules) -> State:
    """The parameters and buffers of a model that has these modules.

    Raises
    ------
    UnsupportedModel
        For compiled or lazy modules, hooks, and tensors that share memory without being the same.
    """
    if any(getattr(global_hooks, f"_global{hook}", None) for hook in HOOKS):
        refuse("there are global module hooks", "remove them first")
    state = State({}, {}, {}, [])
    registered = [tensor for _, m in modules for own in (m._parameters, m._buffers) for tensor in own.values()]
    if any(tensor is not None and is_lazy(tensor) for tensor in registered):
        refuse("a lazy layer has no shape yet", "call the model once on a batch first")
    for path, module in modules:
        if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
            refuse(f"{path or 'the model'} is a compiled or scripted module", "pass the plain module")
        if any(getattr(module, hook, None) for hook in HOOKS):
            refuse(f"{path or 'the model'} has hooks", "write into forward what they do")
        for own, names in ((module._parameters, state.parameters), (module._buffers, state.buffers)):
            for name, tensor in own.items():
                if tensor is not None and id(tensor) not in names:
                    names[id(tensor)] = f"{path}.{name}".lstrip(".")
                    state.tensors.append(tensor)
                    _check(names[id(tensor)], tensor, state)
    spans = sorted(state.owners)
    for (_, end), later in pairwise(spans):
        if later[0] < end:
            name = _name_of(state.owners[later], state)
            refuse(f"{name} shares memory with another tensor", "to tie weights, use one and the same nn.Parameter")
    return state


def _name_of(tensor: torch.Tensor, state: State) -> str:
    return state.parameters.get(id(tensor)) or state.buffers[id(tensor)]


def _check(name: str, tensor: torch.Tensor, state: State) -> None:
    """Refuse a tensor that is more than its numbers."""
    if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
        refuse(f"{name} has a gradient hook", "remove it")
    if tensor.is_inference():
        refuse(f"{name} was made in inference mode", "build the model outside of torch.inference_mode()")
    if type(tensor) not in PLAIN:
        refuse(f"{name} is a {type(tensor).__name__}", "use plain parameters and buffers")
    if tensor.is_meta or not tensor.numel():
        return
    storage = tensor.untyped_storage()
    first = state.owners.setdefault((storage.data_ptr(), storage.data_ptr() + storage.nbytes()), tensor)
    if first is not tensor:
        refuse(f"{name} and {_name_of(first, state)} share memory", "to tie weights, use one and the same nn.Parameter")


def only_torchs(modules: Modules) -> bool:
    """Whether every module and its forward is torch's own: these keep nothing, and compute the same at every call."""
    return all(
        type(module).__module__.startswith("torch.nn.modules.")
        and getattr(type(module).forward, "__module__", "").startswith("torch.nn.modules.")
        and "forward" not in vars(module)
        for _, module in modules
    )
