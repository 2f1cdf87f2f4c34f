"""The network that a document describes, as a trainable module."""

import math
from typing import Any

import numpy as np
import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.seeds import checked_seed
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.operations import LEAVES, Shape
from jitnas_fn.tracing.draws import Draws, Seeded
from jitnas_fn.tracing.run import Call, runner
from jitnas_fn.tracing.streams import Stream

Step = tuple[int, Call, list[int]]  # node, what computes it, nodes whose values are not needed after it


class Rebuilt(nn.Module):
    """An architecture's network. `train()` and `eval()` switch it as any module; its inputs have the batch first.

    Parameters are called p0, p1, … and buffers b0, b1, … as in the document. Initial weights come from
    `Stream(seed, "weights", i)` and dropout masks from `Stream(seed, "dropout", n, step)`, where i and n are the parameter's
    and the node's canonical index: they do not depend on torch's version, the device or the way the model was written. torch
    itself draws nothing.

    Parameters
    ----------
    architecture
        What to build.
    seed
        0…2⁶³−1.
    """

    def __init__(self, architecture: Architecture, seed: int) -> None:
        super().__init__()
        self._prepare(architecture.graph, checked_seed(seed))
        self.architecture = architecture
        self.draws: Draws = Seeded(self)

    def _prepare(self, graph: Graph, seed: int) -> None:
        self.graph, self.seed, self.step = graph, seed, 0
        self._places: list[tuple[str, int]] = []
        self._inputs = [i for i, node in enumerate(graph.nodes) if node.op == "input"]
        counts, drawn = {"parameter": 0, "buffer": 0}, {}  # type: tuple[dict[str, int], dict[int, int]]
        for i, node in enumerate(graph.nodes):
            if node.op in counts:
                start = drawn.setdefault(node.source("start"), counts[node.op]) if node.inputs else counts[node.op]
                self._register(i, node, counts[node.op], start)
                counts[node.op] += 1
        self._programs = {mode: self._program(graph, training=mode) for mode in (True, False)}

    def _program(self, graph: Graph, *, training: bool) -> list[Step]:
        """The operations that one mode needs, each with the values that nothing needs afterwards."""
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

    def _register(self, index: int, node: Node, number: int, start: int) -> None:
        dtype = getattr(torch, node.dtype)
        values = drawn_tensor(init_of(node, self.graph), node.shape, self.seed, start).to(dtype)
        name = f"{node.op[0]}{number}"
        if node.op == "parameter":
            self.register_parameter(name, nn.Parameter(values, requires_grad=node.attrs["trainable"]))
        else:
            self.register_buffer(name, values)
        self._places.append((name, index))

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
            values = drawn_tensor(init_of(node, self.graph), node.shape, self.seed, int(first[1:])).to(tensor.dtype)
            if torch.equal(tensor.detach().cpu(), values):
                found[name] = init_of(node, self.graph), first
        return found

    def at_step(self, step: int) -> None:
        """Say which training step comes: the next dropout masks are those of this step."""
        self.step = step

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The network's output for a batch.

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


def init_of(node: Node, graph: Graph) -> Json:
    """The initialisation of a parameter or buffer, its own or that of the draw it begins with."""
    found: Json = graph.nodes[node.source("start")].attrs["init"] if node.inputs else node.attrs["init"]
    return found


def drawn_tensor(init: Json, shape: Shape, seed: int, number: int) -> torch.Tensor:
    """The initial values of parameter or buffer `number`, float64. Pieces of rows are drawn each from a stream of its own."""
    if "rows" not in init:
        return torch.from_numpy(drawn_values(init, math.prod(shape), Stream(seed, "weights", number))).reshape(shape)
    pieces = [
        torch.from_numpy(drawn_values(piece, count * math.prod(shape[1:]), Stream(seed, "weights", number, i)))
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
