"""The one question: whether the network of a document does what the model does."""

import copy
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from jitnas_fn.core.errors import JitnasError, UnsupportedModel
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.tracing.capture import ONE_AT_A_TIME
from jitnas_fn.tracing.chance import drawing_nothing
from jitnas_fn.tracing.guard import untouched
from jitnas_fn.tracing.surroundings import without_shortcuts
from jitnas_fn.tracing.trace import Traced
from jitnas_fn.tracing.validation.difference import INSTEAD
from jitnas_fn.tracing.validation.in_double import state_in_double
from jitnas_fn.tracing.validation.pair import Pair

SMALL = 2**22  # numbers up to which one thread is quickest
LARGEST = 2**28  # numbers of one sample and of the parameters together: 2 GiB in double precision


@drawing_nothing
def validate(found: Traced, graph: Graph, names: dict[int, str]) -> None:
    """Run a model and the network of its document side by side, in training and in evaluation.

    Both have the same random weights and inputs, in double precision, and share their random draws; they are called twice in
    each mode, with different batch sizes. The model is left as it was.

    Parameters
    ----------
    found
        What tracing the model gave.
    graph
        Of its document.
    names
        For the nodes of `found.graph`: the name in the document.

    Raises
    ------
    UnsupportedModel
        If an output, gradient, parameter or buffer differs; the message names the first that does.
    """
    size = sum(abs(math.prod(node.shape)) for node in graph.nodes)
    if size > LARGEST:
        raise UnsupportedModel(
            f"this network has {size:,} numbers for one sample, too many to run it beside its copy (at most {LARGEST:,}); "
            "say validate=False (--no-validate), and records will say so"
        )
    found = replace(found, module=_with_numbers(found.module))
    model = found.module
    with (
        ONE_AT_A_TIME,
        untouched(list(model.named_modules())),
        without_shortcuts(),
        torch.inference_mode(mode=False),
    ):
        try:
            with _threads(size), torch.enable_grad(), torch.autocast("cpu", enabled=False), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _check_accumulators(model)
                with state_in_double(model, _changing(found)):
                    Pair(found, graph, names).check()
        except (JitnasError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as reason:
            text = f"{type(reason).__name__}: {str(reason)[:300]}"
            raise UnsupportedModel(f"the model does not run on random numbers ({text}); {INSTEAD}") from reason


@contextmanager
def _threads(size: int) -> Iterator[None]:
    """One thread for a small network: several would wait for one another longer than they compute."""
    before = torch.get_num_threads()
    if size >= SMALL or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _changing(found: Traced) -> set[int]:
    """ids of what training changes: parameters, statistics, and what else the document draws."""
    told, model = set(found.names.values()), found.module
    parameters = {id(p) for name, p in model.named_parameters() if p.requires_grad or name in told}
    return parameters | {id(b) for name, b in model.named_buffers() if name in told or name in found.statistics}


def _with_numbers(model: nn.Module) -> nn.Module:
    """The model; if some of its tensors are on the meta device, a copy whose tensors all have memory."""
    if not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()]):
        return model
    copied, real = copy.deepcopy(model), {}  # type: tuple[nn.Module, dict[int, torch.Tensor]]
    for module in copied.modules():
        for name, tensor in [*module._parameters.items(), *module._buffers.items()]:
            if tensor is not None and tensor.is_meta:
                empty = torch.zeros(tensor.shape, dtype=tensor.dtype)
                fresh = nn.Parameter(empty, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
                setattr(module, name, real.setdefault(id(tensor), fresh))
    return copied


def _check_accumulators(model: nn.Module) -> None:
    """Refuse a parameter whose gradient is changed where it is added up: no copy of the parameter would show it."""
    named = {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad and not parameter.is_meta
    }
    if not named:
        return
    before = {name: parameter.grad for name, parameter in named.items()}
    try:
        for parameter in named.values():
            parameter.grad = None
        torch.stack([parameter.sum().to(torch.float64) for parameter in named.values()]).sum().backward()  # type: ignore[no-untyped-call]
        for name, parameter in named.items():
            if parameter.grad is None or [float(end) for end in torch.aminmax(parameter.grad)] != [1.0, 1.0]:
                raise UnsupportedModel(f"the gradient of {name} is changed by a hook; remove it, or {INSTEAD}")
    finally:
        for name, parameter in named.items():
            parameter.grad = before[name]
