"""The network that a document describes, as a trainable module."""

import math
from typing import Any

import numpy as np
import torch
from torch import nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.seeds import checked_seed
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Node
from jitnas_fn.tracing.run import Call, runner
from jitnas_fn.tracing.streams import Stream


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
        graph, self.seed, self.step = architecture.graph, checked_seed(seed), 0
        self.architecture = architecture
        self._places: list[tuple[str, int]] = []
        self._inputs: list[int] = []
        self._program: list[tuple[int, Call, list[int]]] = []
        self._outputs = graph.outputs
        counts = {"parameter": 0, "buffer": 0}
        last_reader = {source: i for i, node in enumerate(graph.nodes) for _, source in node.inputs}
        drawn = 0
        for i, node in enumerate(graph.nodes):
            if node.op == "input":
                self._inputs.append(i)
            elif node.op in counts:
                self._register(i, node, counts[node.op])
                counts[node.op] += 1
            else:
                done = [s for s in {s for _, s in node.inputs} if last_reader[s] == i and s not in graph.outputs]
                self._program.append((i, runner(node, graph, drawn), done))
                drawn += 1

    def _register(self, index: int, node: Node, number: int) -> None:
        dtype = getattr(torch, node.dtype)
        stream = Stream(self.seed, "weights", number)
        values = torch.from_numpy(drawn_values(node.attrs["init"], math.prod(node.shape), stream)).to(dtype).reshape(node.shape)
        name = f"{node.op[0]}{number}"
        if node.op == "parameter":
            self.register_parameter(name, nn.Parameter(values, requires_grad=node.attrs["trainable"]))
        else:
            self.register_buffer(name, values)
        self._places.append((name, index))

    def initialisations(self) -> dict[str, Json]:
        """How each parameter and buffer begins, as long as it still holds the numbers it was drawn with."""
        found, nodes = {}, self.architecture.graph.nodes
        for name, index in self._places:
            tensor, init = getattr(self, name), nodes[index].attrs["init"]
            values = drawn_values(init, tensor.numel(), Stream(self.seed, "weights", int(name[1:])))
            if torch.equal(tensor.detach().cpu().reshape(-1), torch.from_numpy(values).to(tensor.dtype)):
                found[name] = init
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
        for index, call, done in self._program:
            values[index] = call(values, self, batch)
            for source in done:
                del values[source]
        found = [values[i] for i in self._outputs]
        return found[0] if len(found) == 1 else tuple(found)


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
