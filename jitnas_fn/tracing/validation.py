"""Translation validation: before a key is trusted, the network rebuilt from the document runs beside the original.

As compilers do it (Pnueli, Siegel and Singerman, "Translation validation", TACAS 1998): whatever a trace has missed shows as a
difference in outputs, gradients, parameters or buffers. So a wrong key needs two independent mistakes.
"""

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from jitnas_fn.core.errors import JitnasError, UnsupportedModel
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.beside import WIDE, InDouble, Recalling, SharedDraws, state_in_double
from jitnas_fn.tracing.capture import ONE_AT_A_TIME
from jitnas_fn.tracing.guard import same_randomness, untouched
from jitnas_fn.tracing.rebuild import Network
from jitnas_fn.tracing.remembered import Memory, largest
from jitnas_fn.tracing.surroundings import without_shortcuts
from jitnas_fn.tracing.trace import Traced
from jitnas_fn.tracing.widened import widened

# (training, batch size, with gradients) of each call, one after the other.
CALLS = ((True, 2, True), (True, 3, True), (False, 1, True), (False, 2, False))
TOLERANCE = 1e-7  # of the largest number of a tensor: float64 leaves 1e-12 or less, what is forgotten 1e-6 or more
NOISE = 1e-10  # of the largest number of all gradients: those that are zero but for rounding
BATCH_NORMS = ("running_batch_norm", "frozen_batch_norm")
LARGEST = 2**28  # numbers of one sample and of the parameters together: 2 GiB in double precision
COARSE = 2e-2  # where the model computes in half precision
INSTEAD = "mend it, or say validate=False (--no-validate) if you are sure that it is rounding; records will say so"


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
        same_randomness(),
        untouched(list(model.named_modules())),
        without_shortcuts(),
        torch.inference_mode(mode=False),
    ):
        try:
            with torch.enable_grad(), torch.autocast("cpu", enabled=False), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _check_accumulators(model)
                with state_in_double(model):
                    _Pair(found, graph, names).check()
        except (JitnasError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as reason:
            text = f"{type(reason).__name__}: {str(reason)[:300]}"
            raise UnsupportedModel(f"the model does not run on random numbers ({text}); {INSTEAD}") from reason


def _with_numbers(model: nn.Module) -> nn.Module:
    """The model; if some of its tensors are on the meta device, a copy whose tensors all have memory."""
    if not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()]):
        return model
    copied, real = copy.deepcopy(model), {}  # type: tuple[nn.Module, dict[int, Tensor]]
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
            if parameter.grad is None or not bool((parameter.grad == 1).all()):
                raise UnsupportedModel(f"the gradient of {name} is changed by a hook; remove it, or {INSTEAD}")
    finally:
        for name, parameter in named.items():
            parameter.grad = before[name]


class _NoNumbers(Exception):
    pass


def _has_nan(numbers: Tensor | None) -> bool:
    if numbers is None or not numbers.is_floating_point():
        return False
    return math.isnan(float(numbers.sum())) and bool(numbers.isnan().any())  # a sum is quick, and keeps a NaN


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one call gave."""

    outputs: list[Tensor]
    gradients: dict[str, Tensor | None]


class _Pair:
    """The original, and the network beside it."""

    def __init__(self, found: Traced, graph: Graph, names: dict[int, str]) -> None:
        self.found, self.names = found, names
        wide = widened(graph)
        self.coarse = any(node.dtype in ("float16", "bfloat16") for node in wide.nodes)
        self.draw = torch.Generator().manual_seed(20260)
        self.original = found.module
        self.positive = False  # whether all inputs are above 0
        self.real = dict([*self.original.named_parameters(), *self.original.named_buffers()])
        self.device = next((tensor.device for tensor in self.real.values()), torch.device("cpu"))
        self.told = {names[node]: name for node, name in found.names.items() if node in names}  # in the document -> here
        self._randomise(wide)
        self.beside = self._network(wide)
        self.limits = [_rows_of(wide, position) for position in range(len(found.inputs))]
        self.before = {name: tensor.detach().clone() for name, tensor in self.real.items()}

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
            numbers = torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)
            tensor.data = numbers.copy_(self._uniform(tensor.shape, centre - width, centre + width))

    def _uniform(self, shape: Any, low: float, high: float) -> Tensor:
        return torch.empty(shape, dtype=WIDE).uniform_(low, high, generator=self.draw)

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
        for call, (training, batch, gradients) in enumerate(CALLS):
            mode, draws = "training" if training else "evaluation", self.draws[training]
            where = f"in {mode}, call {1 + call % 2}, with {batch} sample{'s'[: batch - 1]}"
            draws.begin(call)
            memory = Memory()
            inputs = [self._input(i, shape, dtype, batch) for i, (shape, dtype) in enumerate(self.found.inputs)]
            theirs = self._called(self.original, inputs, training, gradients, InDouble(draws, memory))
            if any(_has_nan(output) for output in [*theirs.outputs, *theirs.gradients.values()]):
                raise _NoNumbers(f"the model gives NaN {where} for random inputs")
            if draws.count != len(self.found.draws[training]):
                raise UnsupportedModel(
                    f"the model draws random numbers {draws.count} times {where}, traced it did "
                    f"{len(self.found.draws[training])} times; {INSTEAD}"
                )
            self.beside.draws = draws
            ours = self._called(self.beside, inputs, training, gradients, Recalling(memory))
            for what, a, b, scale in self._pairs(theirs, ours, gradients=gradients, last=call % 2 == 1):
                self._compare(f"{what} {where}", a, b, scale)

    def _input(self, position: int, shape: Shape, dtype: str, batch: int) -> Tensor:
        kind = getattr(torch, dtype)
        if kind.is_floating_point:
            numbers = torch.randn((batch, *shape), generator=self.draw, dtype=WIDE)
            numbers = numbers.abs() + 0.1 if self.positive else numbers
            return numbers.to(device=self.device, dtype=WIDE if dtype == "float32" else kind)
        high = 2 if dtype == "bool" else self.limits[position]
        return torch.randint(0, high, (batch, *shape), generator=self.draw).to(device=self.device, dtype=kind)

    def _called(self, network: nn.Module, inputs: list[Tensor], training: bool, gradients: bool, mode: Any) -> _Seen:
        network.train(training)
        parameters = dict(network.named_parameters())
        for parameter in parameters.values():
            parameter.grad = None
        with torch.set_grad_enabled(gradients):
            given = [x.clone() for x in inputs]
            with mode:
                value = network(*given)
            outputs = list(value) if type(value) is tuple else [value]
            if not all(isinstance(output, Tensor) for output in outputs):
                raise UnsupportedModel(f"forward returns other things than traced; {INSTEAD}")
            if gradients:
                self._backward(outputs)
        found = {name: parameter.grad for name, parameter in parameters.items()}
        for parameter in parameters.values():
            parameter.grad = None
        return _Seen([output.detach() for output in outputs], found)

    def _backward(self, outputs: list[Tensor]) -> None:
        weigh = torch.Generator().manual_seed(7)
        terms = [
            (output.double() * torch.randn(output.shape, generator=weigh, dtype=WIDE).to(output.device)).sum()
            for output in outputs
            if output.requires_grad
        ]
        if terms:
            torch.stack(terms).sum().backward()  # type: ignore[no-untyped-call]

    def _pairs(
        self, theirs: _Seen, ours: _Seen, *, gradients: bool, last: bool
    ) -> Iterator[tuple[str, Any, Any, Callable[[], float]]]:
        """(what it is, in the original, in the network beside, the size below which it is noise).

        Parameters may not change at all: it is enough to look at them after the last call of each mode.
        """
        if len(theirs.outputs) != len(ours.outputs):
            raise UnsupportedModel(
                f"the model gives {len(theirs.outputs)} outputs, traced it gave {len(ours.outputs)}; {INSTEAD}"
            )
        for i, (a, b) in enumerate(zip(theirs.outputs, ours.outputs, strict=True)):
            yield f"output {i}" if len(ours.outputs) > 1 else "the output", a, b, _none

        @cache
        def noise() -> float:
            sizes = [largest(g.double()) for g in theirs.gradients.values() if g is not None and g.numel()]
            return NOISE * max([0.0, *sizes])

        told = {here: there for there, here in self.told.items()}
        for name, gradient in theirs.gradients.items() if gradients else ():
            beside = ours.gradients[told[name]] if name in told else None
            yield f"the gradient of {name}", gradient, beside, noise
        for name, tensor in self.real.items():
            if isinstance(tensor, nn.Parameter):
                if last:
                    yield f"parameter {name}, after the call", tensor.detach(), self.before[name], _none
            elif name in told:
                yield f"buffer {name}, after the call", tensor, getattr(self.beside, told[name]), _none
            elif name not in self.found.statistics:  # which a batch-norm keeps from which nothing comes
                yield f"buffer {name}, after the call", tensor, self.before[name], _none

    def _compare(self, what: str, theirs: Tensor | None, ours: Tensor | None, noise: Callable[[], float]) -> None:
        if theirs is None and ours is None:
            return
        like = theirs if theirs is not None else ours
        assert like is not None
        a = torch.zeros_like(like) if theirs is None else theirs
        b = torch.zeros_like(like) if ours is None else ours
        if a.shape != b.shape or (a.dtype != b.dtype and a.dtype.is_floating_point != b.dtype.is_floating_point):
            raise UnsupportedModel(
                f"the network rebuilt from what was traced gives another shape or type: {what} is {list(a.shape)} {a.dtype}, "
                f"rebuilt {list(b.shape)} {b.dtype}; {INSTEAD}"
            )
        if torch.equal(a, b) or not a.numel():
            return
        a, b = a.double(), b.double()
        size = largest(a)
        slack = (COARSE if self.coarse else TOLERANCE) * size + noise()
        off = largest(a - b)
        if math.isfinite(size + off):
            differs = off > slack
        else:
            differs = not torch.allclose(a, b, rtol=0.0, atol=slack if math.isfinite(slack) else 0.0, equal_nan=True)
        if differs:
            raise UnsupportedModel(
                f"the network rebuilt from what was traced is not this model: {what} differs by {off:.3g} "
                f"(largest number {size:.3g}); something in forward cannot be traced. {INSTEAD}"
            )


def _none() -> float:
    return 0.0


def _rows_of(graph: Graph, position: int) -> int:
    """A bound below which the integers of an input stay: the rows of every table that it may be looked up in."""
    rows = [graph.nodes[node.source("x")].shape[node.attrs["axis"]] for node in graph.nodes if node.op == "take"]
    return min([64, *rows])
