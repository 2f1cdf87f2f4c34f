"""From a model, or what builds one, to its graph."""

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError, JitnasError, ModelFailed, NotAModel, UnknownInitialisation
from jitnas_fn.graphs.graph import DTYPES, MAX_ELEMENTS, Graph, Node, checked_init
from jitnas_fn.graphs.operations import LEAVES, Shape
from jitnas_fn.tracing.capture import ONE_AT_A_TIME, Captured, captures
from jitnas_fn.tracing.construction import Construction
from jitnas_fn.tracing.guard import only_torchs, same_randomness
from jitnas_fn.tracing.initialisation import MODES, Starts
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.traced import name_of

MAX_AXES = 7  # and the batch


def traced_graph(
    model: nn.Module | Callable[[], nn.Module],
    input_shape: Shape,
    *,
    dtype: str = "float32",
    initialisation: str = "as built",
) -> Graph:
    """The graph of a model, every parameter with its initialisation.

    Parameters
    ----------
    model
        An `nn.Module`, left as it was, or a class or function without arguments that builds one.
    input_shape
        One sample as the network sees it, without the batch.
    dtype
        Of the input.
    initialisation
        "as built", or "default" (PyTorch's defaults, whatever the weights are).

    Raises
    ------
    NotAModel, UnsupportedModel, UnknownInitialisation, ModelFailed
        If there is no exact key for it.
    """
    module, construction = built(model)
    taken = [_checked_input(input_shape, dtype)]
    if initialisation not in MODES:
        raise UnknownInitialisation(f"initialisation is one of {', '.join(MODES)}, not {str(initialisation)[:40]!r}")
    captured, evaluated, *again = captures(module, taken, modes=(True, False) if only_torchs(module) else (True, False, True))
    if any((one.graph, list(one.leaves)) != (captured.graph, list(captured.leaves)) for one in again):
        refuse("two calls of forward compute different things", "let forward depend on its input alone")
    if (evaluated.graph, list(evaluated.leaves)) != (_in_evaluation(captured.graph), list(captured.leaves)):
        refuse(
            "in evaluation the model computes something else than in training, beyond dropout and batch-norm",
            "use nn.Dropout and nn.BatchNorm, and no branch on self.training",
        )
    _fill_in(captured, module, Starts(module, construction, initialisation))
    return captured.graph


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


def _only_torchs(model: nn.Module) -> bool:
    """Whether every module is torch's own: these compute the same at every call."""
    return all(
        type(module).__module__.startswith("torch.nn.modules.") and "forward" not in vars(module) for module in model.modules()
    )


def _kind(value: Any) -> str:
    return f"the {type(value).__name__} {str(value)[:60]!r}"


def _checked_input(shape: Any, dtype: Any) -> tuple[Shape, str]:
    """One sample's shape in plain integers, and the name of the dtype."""
    name = name_of(dtype) if isinstance(dtype, torch.dtype) else dtype
    if name not in DTYPES:
        raise NotAModel(f"dtype is one of {', '.join(DTYPES)}, not {str(dtype)[:40]!r}")
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise NotAModel(f"input_shape is one sample's sizes, without the batch, such as (3, 32, 32), not {str(shape)[:60]!r}")
    if len(sizes) > MAX_AXES or math.prod(sizes) > MAX_ELEMENTS:
        raise NotAModel(f"input_shape has at most {MAX_AXES} axes and {MAX_ELEMENTS:,} elements, not {str(shape)[:60]}")
    return sizes, name


def _in_evaluation(graph: Graph) -> Graph:
    """What the graph of training becomes when the mode is switched."""
    after, place = Graph(), {}  # type: tuple[Graph, dict[int, int]]
    for i, node in enumerate(graph.nodes):
        if node.op == "dropout":
            place[i] = place[node.source("x")]
            continue
        edges = tuple((label, place[source]) for label, source in node.inputs if label != "after")
        op, attrs = node.op, node.attrs
        if op == "running_batch_norm":
            op, attrs = "frozen_batch_norm", {"eps": attrs["eps"]}
        after.nodes.append(Node(op, attrs, edges, node.shape, node.dtype))
        place[i] = len(after.nodes) - 1
    after.outputs = [place[i] for i in graph.outputs]
    return after


def _fill_in(captured: Captured, module: nn.Module, starts: Starts) -> None:
    """Give the live parameters and buffers their initialisation."""
    names = dict([*module.named_parameters(), *module.named_buffers()])
    graph, live = captured.graph, set(captured.graph.live())
    for name, tensor in names.items():
        index = captured.leaves.get(id(tensor))
        if index is None or index not in live:
            continue
        node = graph.nodes[index]
        attrs: Json = {"init": _sayable(name, starts.of(name, tensor))}
        if node.op == "parameter":
            attrs["trainable"] = bool(tensor.requires_grad)
        graph.nodes[index] = node._replace(attrs=attrs)
    for i, node in enumerate(graph.nodes):
        if node.op == "running_batch_norm" and i not in live and node.source("mean") in live:
            refuse("a batch_norm keeps statistics that are used, from a result that is not", "drop the call")
    if not any(graph.nodes[i].op not in LEAVES for i in live):
        refuse("forward gives back its input", "a network has at least one operation")


def _sayable(name: str, init: Json) -> Json:
    try:
        return checked_init(init)
    except DocumentError as reason:
        raise UnknownInitialisation(f"the initialisation of {name} cannot be written down: {reason}") from None
