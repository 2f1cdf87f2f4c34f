"""Parameters and buffers of a traced graph: how they start, or what they hold."""

import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError, UnknownInitialisation
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.initialisations import checked_init
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.tracing.content import constant_of
from jitnas_fn.tracing.initialisation import Starts, Told
from jitnas_fn.tracing.modes import Joint
from jitnas_fn.tracing.refusal import refuse


def fill_in(joint: Joint, module: nn.Module, starts: Starts) -> tuple[Joint, dict[int, str]]:
    """Give every live parameter and buffer its initialisation; what training cannot change and no rule draws, its content.

    Parameters
    ----------
    joint
        Its graph is changed.
    module
        Whose parameters and buffers they are.
    starts
        How they start.

    Returns
    -------
    (Joint, dict[int, str])
        The joint with its parameters told, and the node of each that is live and no content -> its name in the module.
    """
    graph, leaves = joint.graph, joint.leaves
    _check_calls(graph)
    found, live, told = {}, set(graph.live()), {}  # type: tuple[dict[int, str], set[int], dict[int, Told]]
    kept = _statistics(graph, "running_batch_norm")
    statistics = kept | _statistics(graph, "frozen_batch_norm")
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        index = leaves.get(id(tensor))
        if index is None or index not in live or index in found:
            continue
        node = graph.nodes[index]
        if node.op == "buffer" and index not in statistics and not starts.drawn_at_random(name, tensor):
            _become_content(graph, index, tensor)
            continue
        try:
            told[index] = starts.of(name, tensor)
            attrs: Json = {"init": _sayable(name, told[index].init, tensor)}
        except UnknownInitialisation:
            if tensor.requires_grad or index in kept:
                raise
            _become_content(graph, index, tensor)
            continue
        if node.op == "parameter":
            attrs["trainable"] = bool(tensor.requires_grad)
        graph.nodes[index] = node._replace(attrs=attrs)
        found[index] = name
    return _with_copies(joint, found, told)


def _with_copies(joint: Joint, names: dict[int, str], told: dict[int, Told]) -> tuple[Joint, dict[int, str]]:
    """Let parameters that start as copies of one draw read one `start`."""
    groups: dict[object, list[int]] = {}
    for index in names:
        groups.setdefault(told[index].draw, []).append(index)
    copied = [group for group in groups.values() if len(group) > 1 and "const" not in joint.graph.nodes[group[0]].attrs["init"]]
    if not copied:
        return joint, names
    graph, shift = Graph(), len(copied)
    nodes, start_of = joint.graph.nodes, {index: i for i, group in enumerate(copied) for index in group}
    for group in copied:
        buffers = [names[index] for index in group if nodes[index].op == "buffer"]
        if buffers:
            raise UnknownInitialisation(f"{buffers[0]} begins as a copy of something else that is drawn: draw each anew")
        first = nodes[group[0]]
        for other in group:
            alike = nodes[other].attrs["init"] == first.attrs["init"] and nodes[other].shape == first.shape
            if not alike or "rows" in first.attrs["init"]:
                names_of = f"{names[other]} begins as a changed copy of {names[group[0]]}"
                raise UnknownInitialisation(f"{names_of}: draw each anew, or pass initialisation='default'")
        graph.nodes.append(Node("start", {"init": first.attrs["init"]}, (), first.shape, first.dtype))
    for i, node in enumerate(nodes):
        inputs = tuple((label, source + shift) for label, source in node.inputs)
        attrs = node.attrs
        if i in start_of:
            inputs, attrs = (("start", start_of[i]),), {name: value for name, value in attrs.items() if name != "init"}
        graph.nodes.append(node._replace(inputs=inputs, attrs=attrs))
    graph.outputs = [i + shift for i in joint.graph.outputs]
    draws = {mode: [i + shift if i >= 0 else i for i in drawn] for mode, drawn in joint.draws.items()}
    leaves = {identity: i + shift for identity, i in joint.leaves.items()}
    return Joint(graph, leaves, draws), {i + shift: name for i, name in names.items()}


def _statistics(graph: Graph, op: str) -> set[int]:
    """Nodes that `op` takes as running statistics."""
    return {node.source(label) for node in graph.nodes if node.op == op for label in ("mean", "variance")}


def _become_content(graph: Graph, index: int, tensor: torch.Tensor) -> None:
    """Put the numbers of a tensor in the place of its node."""
    node = graph.nodes[index]
    op, attrs = constant_of(tensor)
    trial = Graph()
    try:
        trial.add(op, [], attrs)
    except DocumentError as reason:
        refuse(f"a buffer or frozen parameter of shape {list(node.shape)}: {reason}", "use finite numbers")
    graph.nodes[index] = trial.nodes[0]


def _check_calls(graph: Graph) -> None:
    live = set(graph.live())
    for i, node in enumerate(graph.nodes):
        if node.op == "running_batch_norm" and i not in live and node.source("mean") in live:
            refuse("a batch_norm keeps statistics that are used, from a result that is not", "drop the call")
    if not any(graph.nodes[i].op not in LEAVES for i in live):
        refuse("forward gives back its input", "a network has at least one operation")


def _sayable(name: str, init: Json, tensor: torch.Tensor) -> Json:
    try:
        return checked_init(init, tuple(tensor.shape))
    except DocumentError as reason:
        raise UnknownInitialisation(f"the initialisation of {name} cannot be written down: {reason}") from None
