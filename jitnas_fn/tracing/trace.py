"""From a model, or what builds one, to its graph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from jitnas_fn.core.errors import JitnasError, ModelFailed, NotAModel, UnknownInitialisation
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.capture import ONE_AT_A_TIME, captures
from jitnas_fn.tracing.chance import same_randomness
from jitnas_fn.tracing.construction import Construction
from jitnas_fn.tracing.initialisation import MODES, Starts
from jitnas_fn.tracing.inputs import checked_inputs
from jitnas_fn.tracing.leaves import fill_in
from jitnas_fn.tracing.modes import joined
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.state import only_torchs


@dataclass(frozen=True, slots=True)
class Traced:
    """What is known of a model.

    Attributes
    ----------
    module
        The model, or what it built.
    graph
        Its graph, every parameter with its initialisation.
    names
        Node of each parameter and buffer -> its name in the module.
    draws
        For training and for evaluation: the nodes that draw random numbers, in the order of their calls.
    statistics
        Names of the buffers that batch-norms keep, live or not.
    inputs
        (shape of one sample, dtype) of each argument of forward.
    """

    module: nn.Module
    graph: Graph
    names: dict[int, str]
    draws: dict[bool, list[int]]
    statistics: set[str]
    inputs: list[tuple[Shape, str]]


def traced(
    model: nn.Module | Callable[[], nn.Module],
    input_shape: Any,
    *,
    dtype: Any = "float32",
    initialisation: str = "as built",
) -> Traced:
    """The graph of a model, and where its parts are in the model.

    Parameters
    ----------
    model
        An `nn.Module`, left as it was, or a class or function without arguments that builds one.
    input_shape
        One sample as the network sees it, without the batch; for several inputs a tuple of such shapes.
    dtype
        Of the input; for several inputs one for all, or a tuple.
    initialisation
        "as built", or "default" (PyTorch's defaults, whatever the weights are).

    Raises
    ------
    NotAModel, UnsupportedModel, UnknownInitialisation, ModelFailed
        If there is no exact key for it.
    """
    if initialisation not in MODES:
        raise UnknownInitialisation(f"initialisation is one of {', '.join(MODES)}, not {str(initialisation)[:40]!r}")
    module, construction = built(model)
    taken = checked_inputs(input_shape, dtype)
    training, evaluation, *again = captures(
        module, taken, modes=(True, False) if only_torchs(list(module.named_modules())) else (True, False, True)
    )
    if not all(training.like(one) for one in again):
        refuse("two calls of forward compute different things", "let forward depend on its input alone")
    joint, names = fill_in(joined(training, evaluation), module, Starts(module, construction, initialisation))
    statistics = {name for name, buffer in module.named_buffers() if id(buffer) in training.statistics}
    return Traced(module, joint.graph, names, joint.draws, statistics, taken)


def built(model: Any) -> tuple[nn.Module, Construction | None]:
    """The module, and what its construction did if it was built here.

    Raises
    ------
    NotAModel
        If it is neither a module nor a zero-argument callable that gives one.
    ModelFailed
        If building it raises.
    """
    if isinstance(model, nn.Module):
        return model, None
    if not callable(model):
        raise NotAModel(f"expected an nn.Module, or a class or function without arguments that builds one, not {_kind(model)}")
    construction = Construction()
    try:
        with ONE_AT_A_TIME, same_randomness(), construction:
            module = model()
    except JitnasError:
        raise
    except (Exception, SystemExit) as reason:
        raise ModelFailed(f"building the model raised {type(reason).__name__}: {str(reason)[:500]}") from reason
    if not isinstance(module, nn.Module):
        raise NotAModel(f"{getattr(model, '__name__', model)!s} built no nn.Module but {_kind(module)}")
    return module, construction


def _kind(value: Any) -> str:
    return f"the {type(value).__name__} {str(value)[:60]!r}"
