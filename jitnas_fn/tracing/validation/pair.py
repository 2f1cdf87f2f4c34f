"""A model and the network of its document, side by side."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from jitnas_fn.core.errors import UnsupportedModel
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.rebuild import Network
from jitnas_fn.tracing.trace import Traced
from jitnas_fn.tracing.validation.costly import Recalling
from jitnas_fn.tracing.validation.difference import INSTEAD, Seen, compare, none
from jitnas_fn.tracing.validation.in_double import InDouble
from jitnas_fn.tracing.validation.remembered import Memory
from jitnas_fn.tracing.validation.shared_draws import WIDE, SharedDraws
from jitnas_fn.tracing.validation.widened import widened

# (training, batch size, with gradients) of each call, one after the other.
CALLS = ((True, 2, True), (True, 3, True), (False, 1, True), (False, 2, False))
MORE = ((True, 2, True), (True, 3, True), (False, 2, True), (False, 3, False))  # where one sample has no statistics
PERIOD = 65_537  # the fourth Fermat number, a prime: no row or kernel has as many numbers
EXACT = 2**16  # numbers up to which a tensor is kept whole
BATCH_NORMS = ("running_batch_norm", "frozen_batch_norm")


class _NoNumbers(Exception):
    pass


class Pair:
    """The original, and the network beside it.

    Parameters
    ----------
    found
        What tracing the model gave. Its weights and statistics are written over.
    graph
        Of its document.
    names
        For the nodes of `found.graph`: the name in the document.
    """

    def __init__(self, found: Traced, graph: Graph, names: dict[int, str]) -> None:
        self.found, self.names = found, names
        wide = widened(graph)
        self.coarse = any(node.dtype in ("float16", "bfloat16") for node in wide.nodes)
        self.draw = torch.Generator().manual_seed(20260)
        self.original = found.module
        self.calls = MORE if any(node.op == "batch_norm" for node in wide.nodes) else CALLS
        self.positive = False  # whether all inputs are above 0
        self.real = dict([*self.original.named_parameters(), *self.original.named_buffers()])
        self.device = next((tensor.device for tensor in self.real.values()), torch.device("cpu"))
        self.told = {names[node]: name for node, name in found.names.items() if node in names}  # in the document -> here
        self._randomise(wide)
        self.beside = self._network(wide)
        self.limits = [_rows_of(wide, position) for position in range(len(found.inputs))]
        self.before = {name: _mark_of(tensor) for name, tensor in self.real.items()}

    def _randomise(self, graph: Graph) -> None:
        """Give the original weights and statistics that show every part of it."""
        variances = {node.source("variance") for node in graph.nodes if node.op in BATCH_NORMS}
        counts = {"parameter": 0, "buffer": 0}
        for i, node in enumerate(graph.nodes):
            if node.op not in counts:
                continue
            name = self.told[f"{node.op[0]}{counts[node.op]}"]
            counts[node.op] += 1
            tensor = self.real[name]
            centre = 1.0 if i in variances or node.attrs.get("init") == {"const": 1.0} else 0.0
            width = 0.5 if tensor.dim() < 2 else (6 / math.prod(tensor.shape[1:])) ** 0.5
            numbers = self._uniform(tensor.shape, centre - width, centre + width)
            tensor.data = numbers.to(dtype=tensor.dtype, device=tensor.device)

    def _uniform(self, shape: Any, low: float, high: float) -> Tensor:
        """Numbers between these; those of a large tensor repeat after a prime number of them, which is quicker."""
        count = math.prod(shape)
        block = torch.empty(min(count, PERIOD), dtype=WIDE).uniform_(low, high, generator=self.draw)
        return block.repeat(-(-count // PERIOD))[:count].reshape(shape) if count > PERIOD else block.reshape(shape)

    def _network(self, wide: Graph) -> Network:
        def same(node: Any, number: int, begins: int) -> Tensor:
            tensor = self.real[self.told[f"{node.op[0]}{number}"]].detach()
            return tensor if node.op == "parameter" else tensor.clone()  # parameters share memory: they may not change

        numbers = {name: int(name[1:]) for name in self.names.values() if name[0] == "n"}
        self.draws = {
            mode: SharedDraws({numbers[self.names[node]]: place for place, node in enumerate(drawn) if node in self.names})
            for mode, drawn in self.found.draws.items()
        }
        return Network(wide, same, self.draws[True]).to(self.device)

    def check(self) -> None:
        """Compare on normal inputs; if the model gives no numbers for these (a logarithm), on inputs above 0."""
        before = [(tensor, tensor.detach().clone()) for network in (self.original, self.beside) for tensor in network.buffers()]
        try:
            self._calls()
        except _NoNumbers:
            self.positive = True
            for tensor, numbers in before:
                tensor.data = numbers
            try:
                self._calls()
            except _NoNumbers as reason:
                raise UnsupportedModel(f"{reason}, so it cannot be compared; {INSTEAD}") from None

    def _calls(self) -> None:
        """Call both, one after the other, and compare."""
        for call, (training, batch, gradients) in enumerate(self.calls):
            mode, draws = "training" if training else "evaluation", self.draws[training]
            where = f"in {mode}, call {1 + call % 2}, with {batch} sample{'s'[: batch - 1]}"
            draws.begin(call)
            memory = Memory()
            inputs = [self._input(i, shape, dtype, batch) for i, (shape, dtype) in enumerate(self.found.inputs)]
            theirs = self._called(self.original, inputs, training, gradients, InDouble(draws, memory))
            if theirs.has_nan:
                raise _NoNumbers(f"the model gives NaN {where} for random inputs")
            if draws.count != len(self.found.draws[training]):
                raise UnsupportedModel(
                    f"the model draws random numbers {draws.count} times {where}, traced it did "
                    f"{len(self.found.draws[training])} times; {INSTEAD}"
                )
            self.beside.draws = draws
            ours = self._called(self.beside, inputs, training, gradients, Recalling(memory))
            for what, a, b, scale in self._pairs(theirs, ours, gradients=gradients, last=call % 2 == 1):
                compare(f"{what} {where}", a, b, scale, coarse=self.coarse)

    def _input(self, position: int, shape: Shape, dtype: str, batch: int) -> Tensor:
        kind = getattr(torch, dtype)
        if kind.is_floating_point:
            numbers = torch.randn((batch, *shape), generator=self.draw, dtype=WIDE)
            numbers = numbers.abs() + 0.1 if self.positive else numbers
            return numbers.to(device=self.device, dtype=WIDE if dtype == "float32" else kind)
        high = 2 if dtype == "bool" else self.limits[position]
        numbers = torch.randint(0, high, (batch, *shape), generator=self.draw)
        if dtype == "bool" and shape and shape[-1] > 1:  # a mask that leaves something out, and something in
            numbers[..., 0], numbers[..., -1] = 0, 1
        return numbers.to(device=self.device, dtype=kind)

    def _called(self, network: nn.Module, inputs: list[Tensor], training: bool, gradients: bool, mode: Any) -> Seen:
        network.train(training)
        with torch.set_grad_enabled(gradients):
            given = [x.clone() for x in inputs]
            with mode:
                value = network(*given)
            outputs = list(value) if type(value) is tuple else [value]
            if not all(isinstance(output, Tensor) for output in outputs):
                raise UnsupportedModel(f"forward returns other things than traced; {INSTEAD}")
            found = self._gradients(network, outputs) if gradients else {}
        return Seen([output.detach() for output in outputs], found)

    def _gradients(self, network: nn.Module, outputs: list[Tensor]) -> dict[str, Tensor | None]:
        """Of a weighted sum of all outputs, for every parameter; None where nothing flows."""
        weigh = torch.Generator().manual_seed(7)
        terms = [
            (output.double() * torch.randn(output.shape, generator=weigh, dtype=WIDE).to(output.device)).sum()
            for output in outputs
            if output.requires_grad
        ]
        parameters = dict(network.named_parameters())
        found: dict[str, Tensor | None] = dict.fromkeys(parameters)
        trained = {name: parameter for name, parameter in parameters.items() if parameter.requires_grad}
        if terms and trained:
            whole = torch.stack(terms).sum()
            found.update(zip(trained, torch.autograd.grad(whole, list(trained.values()), allow_unused=True), strict=True))
        return found

    def _pairs(
        self, theirs: Seen, ours: Seen, *, gradients: bool, last: bool
    ) -> Iterator[tuple[str, Any, Any, Callable[[], float]]]:
        """(what it is, in the original, in the network beside, the size below which it is noise).

        Parameters may not change at all: it is enough to look at them after the last call of each mode.
        """
        if len(theirs.outputs) != len(ours.outputs):
            raise UnsupportedModel(
                f"the model gives {len(theirs.outputs)} outputs, traced it gave {len(ours.outputs)}; {INSTEAD}"
            )
        for i, (a, b) in enumerate(zip(theirs.outputs, ours.outputs, strict=True)):
            yield f"output {i}" if len(ours.outputs) > 1 else "the output", a, b, none
        noise = cache(lambda: theirs.noise)
        told = {here: there for there, here in self.told.items()}
        for name, gradient in theirs.gradients.items() if gradients else ():
            beside = ours.gradients[told[name]] if name in told else None
            yield f"the gradient of {name}", gradient, beside, noise
        for name, tensor in self.real.items():
            if isinstance(tensor, nn.Parameter):
                if last:
                    yield f"parameter {name}, after the call", _mark_of(tensor), self.before[name], none
            elif name in told:
                yield f"buffer {name}, after the call", tensor, getattr(self.beside, told[name]), none
            elif name not in self.found.statistics:  # which a batch-norm keeps from which nothing comes
                yield f"buffer {name}, after the call", _mark_of(tensor), self.before[name], none


def _mark_of(tensor: Tensor) -> Tensor:
    """The numbers, by which a change is told; of a large tensor some of them, and a sum over the bits of all."""
    flat = tensor.detach().reshape(-1)
    if flat.numel() <= EXACT or flat.dtype != WIDE:
        return flat.clone()
    bits = flat.view(torch.int64)
    return torch.cat([bits[:EXACT], bits.sum()[None]])


def _rows_of(graph: Graph, position: int) -> int:
    """A bound below which the integers of an input stay: the rows of every table that it may be looked up in."""
    rows = [graph.nodes[node.source("x")].shape[node.attrs["axis"]] for node in graph.nodes if node.op == "take"]
    return min([64, *rows])
