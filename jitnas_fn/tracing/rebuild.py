"""The network that a document describes, as a trainable module."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.seeds import checked_seed
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.tracing.draws import Draws, Seeded
from jitnas_fn.tracing.run import runner
from jitnas_fn.tracing.running import Call
from jitnas_fn.tracing.streams import Stream

Step = tuple[int, Call, list[int]]  # node, what computes it, nodes whose values are not needed after it


class Network(nn.Module):
    """What a graph computes. `train()` and `eval()` switch it as any module; its inputs have the batch first.

    Parameters are called p0, p1, … and buffers b0, b1, … in the order of the graph.

    Parameters
    ----------
    graph
        As a document has it.
    weights
        (node, number of the parameter or buffer, number of the one whose draw it begins with) -> its values.
    draws
        Where random numbers come from while it runs.
    """

    def __init__(self, graph: Graph, weights: Callable[[Node, int, int], torch.Tensor], draws: Draws) -> None:
        super().__init__()
        self.graph, self.draws = graph, draws
        self._places: list[tuple[str, int]] = []
        self._inputs = [i for i, node in enumerate(graph.nodes) if node.op == "input"]
        counts, first = {"parameter": 0, "buffer": 0}, {}  # type: tuple[dict[str, int], dict[int, int]]
        for i, node in enumerate(graph.nodes):
            if node.op in counts:
                number = counts[node.op]
                counts[node.op] += 1
                begins = first.setdefault(node.source("start"), number) if node.inputs else number
                self._register(i, node, f"{node.op[0]}{number}", weights(node, number, begins))
        self._programs = {mode: self._program(training=mode) for mode in (True, False)}

    def _register(self, index: int, node: Node, name: str, values: torch.Tensor) -> None:
        if node.op == "parameter":
            self.register_parameter(name, nn.Parameter(values, requires_grad=node.attrs["trainable"]))
        else:
            self.register_buffer(name, values)
        self._places.append((name, index))

    def _program(self, *, training: bool) -> list[Step]:
        """The operations that one mode needs, each with the values that nothing needs afterwards."""
        graph = self.graph
        live = graph.live_in(training=training)
        last_reader = {source: i for i in live for source in graph.read_in(i, training=training)}
        numbers = {i: n for n, i in enumerate(i for i, node in enumerate(graph.nodes) if node.op not in LEAVES)}
        steps = []
        for i in live:
            node = graph.nodes[i]
            if node.op not in LEAVES:
                done = [s for s in set(graph.read_in(i, training=training)) if last_reader[s] == i and s not in graph.outputs]
                steps.append((i, runner(node, graph, numbers[i]), done))
        return steps

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The network's output for a batch: a tensor, or a tuple if the document has several outputs.

        Parameters
        ----------
        inputs
            One tensor (N, ...) for each of the document's inputs.
        """
        values: dict[int, torch.Tensor] = dict(zip(self._inputs, inputs, strict=True))
        for name, index in self._places:
            values[index] = getattr(self, name)
        batch = inputs[0].shape[0]
        for index, call, done in self._programs[self.training]:
            values[index] = call(values, self, batch)
            for source in done:
                del values[source]
        found = [values[i] for i in self.graph.outputs]
        return found[0] if len(found) == 1 else tuple(found)


class Rebuilt(Network):
    """An architecture's network with its initial weights.

    They come from `Stream(seed, "weights", i)`, those of buffers from `Stream(seed, "buffers", i)`, and dropout masks from
    `Stream(seed, "dropout", n, step)`, where i and n are canonical indices: they do not depend on torch's version, the device
    or the way the model was written. torch itself draws nothing.

    Parameters
    ----------
    architecture
        What to build.
    seed
        0…2⁶³−1.
    """

    def __init__(self, architecture: Architecture, seed: int) -> None:
        graph, checked = architecture.graph, checked_seed(seed)

        def drawn(node: Node, number: int, begins: int) -> torch.Tensor:
            return drawn_tensor(node, init_of(node, graph), checked, begins).to(getattr(torch, node.dtype))

        super().__init__(graph, drawn, Seeded(checked))
        self.architecture, self.seed = architecture, checked

    def initialisations(self) -> dict[str, tuple[Json, object]]:
        """How each parameter and buffer begins, as long as it still holds the numbers it was drawn with.

        Returns
        -------
        dict[str, tuple[Json, object]]
            Name -> (initialisation, what those that begin as copies of one another have in common).
        """
        found, firsts = {}, {}  # type: tuple[dict[str, tuple[Json, object]], dict[int, str]]
        for name, index in self._places:
            tensor, node = getattr(self, name), self.graph.nodes[index]
            first = firsts.setdefault(node.source("start"), name) if node.inputs else name
            values = drawn_tensor(node, init_of(node, self.graph), self.seed, int(first[1:])).to(tensor.dtype)
            if torch.equal(tensor.detach().cpu(), values):
                found[name] = init_of(node, self.graph), first
        return found

    def at_step(self, step: int) -> None:
        """Say which training step comes: the next random numbers are those of this step."""
        self.draws.at_step(step)


def init_of(node: Node, graph: Graph) -> Json:
    """The initialisation of a parameter or buffer, its own or that of the draw it begins with."""
    found: Json = graph.nodes[node.source("start")].attrs["init"] if node.inputs else node.attrs["init"]
    return found


PURPOSES = {"parameter": "weights", "buffer": "buffers"}


def drawn_tensor(node: Node, init: Json, seed: int, number: int) -> torch.Tensor:
    """The initial values of parameter or buffer `number`, float64. Pieces of rows are drawn each from a stream of its own."""
    purpose, shape = PURPOSES[node.op], node.shape
    if "rows" not in init:
        return torch.from_numpy(drawn_values(init, math.prod(shape), Stream(seed, purpose, number))).reshape(shape)
    pieces = [
        torch.from_numpy(drawn_values(piece, count * math.prod(shape[1:]), Stream(seed, purpose, number, i)))
        for i, (count, piece) in enumerate(init["rows"])
    ]
    return torch.cat(pieces).reshape(shape)


def drawn_values(init: Json, count: int, stream: Stream) -> Any:
    """`count` initial values, float64, shape (count,).

    {"const": c}: c. {"uniform": [low, high]}: low + (high − low)·u. {"normal": [mean, std]}: mean + std·z. {"trunc_normal":
    [mean, std, low, high]}: the normal draws in their order, those outside [low, high] left out.
    """
    ((kind, numbers),) = init.items()
    if kind == "const":
        return np.full(count, numbers, dtype=np.float64)
    if kind == "uniform":
        return numbers[0] + (numbers[1] - numbers[0]) * stream.uniform(count)
    if kind == "normal":
        return numbers[0] + numbers[1] * stream.normal(count)
    mean, std, low, high = numbers
    kept: list[Any] = []
    while sum(map(len, kept)) < count:  # the document's bound on the share kept makes this end
        values = mean + std * stream.normal(4096)
        kept.append(values[(values >= low) & (values <= high)])
    return np.concatenate(kept)[:count] if kept else np.empty(0)
