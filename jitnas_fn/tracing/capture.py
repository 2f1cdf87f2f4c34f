"""Run a model on traced tensors and write down its graph. Nothing is computed; what is not in the table is refused."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._python_dispatch import TorchDispatchMode

from jitnas_fn.core.errors import JitnasError, ModelFailed
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.chance import drawing_nothing
from jitnas_fn.tracing.guard import untouched
from jitnas_fn.tracing.reality import ForReal, concerns_trace
from jitnas_fn.tracing.refusal import REFUSALS, refuse
from jitnas_fn.tracing.spellings import MAKES_NEW, TABLE, counted
from jitnas_fn.tracing.state import Modules, State, inspect
from jitnas_fn.tracing.surroundings import guarded
from jitnas_fn.tracing.traced import Recorder

ONE_AT_A_TIME = threading.RLock()  # training flags, torch's modes and Function.apply are not per thread


@dataclass(frozen=True, slots=True)
class Captured:
    """What one call of a model wrote.

    Attributes
    ----------
    graph
        Parameters and buffers stand in it with an empty initialisation.
    leaves
        id of each parameter or buffer that was met -> its node, in the order in which they were met.
    draws
        Nodes that draw random numbers, in the order of their calls.
    statistics
        ids of the buffers that batch-norms keep, also where nothing comes of it.
    several
        Whether forward returned a tuple.
    """

    graph: Graph
    leaves: dict[int, int]
    draws: list[int]
    statistics: set[int]
    several: bool

    def like(self, other: "Captured") -> bool:
        """Whether both calls wrote the same."""
        return (self.graph, list(self.leaves), self.draws, self.several) == (
            other.graph,
            list(other.leaves),
            other.draws,
            other.several,
        )


@drawing_nothing
def captures(model: nn.Module, inputs: list[tuple[Shape, str]], *, modes: Sequence[bool]) -> list[Captured]:
    """Trace one call after another, as a training loop would make them.

    Parameters
    ----------
    model
        Left as it was.
    inputs
        (shape of one sample, dtype) of each argument of forward.
    modes
        Of each call: True for training, False for evaluation.

    Raises
    ------
    UnsupportedModel
        If anything happens that the graph cannot say.
    ModelFailed
        If the model itself raises.
    """
    with ONE_AT_A_TIME:
        REFUSALS.clear()
        modules = list(model.named_modules())
        state = inspect(modules)
        _check_modes(model, modules)
        try:
            with untouched(modules), torch.inference_mode(mode=False), torch.autocast("cpu", enabled=False), guarded():
                found = _traced_calls(model, modules, state, inputs, modes)
        except (JitnasError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as reason:
            if REFUSALS:
                raise REFUSALS[0] from None
            raise ModelFailed(f"forward raised {type(reason).__name__}: {str(reason)[:500]}") from reason
        finally:
            refusals = list(REFUSALS)
        if refusals:  # the model caught it and went on another way than it would when it runs
            raise refusals[0]
        return found


def _traced_calls(
    model: nn.Module, modules: Modules, state: State, inputs: list[tuple[Shape, str]], modes: Sequence[bool]
) -> list[Captured]:
    versions = [tensor._version for tensor in state.tensors]
    found, statistics, contents = [], set(), set()  # type: tuple[list[Captured], set[int], set[int]]
    for mode in modes:
        recorder = Recorder(state.parameters, state.buffers, state.owners)
        found.append(traced_call(model, modules, recorder, inputs, mode))
        statistics |= recorder.statistics
        contents |= recorder.contents
    for buffer in statistics & contents:
        refuse(f"the running statistic {state.buffers[buffer]} is computed with", "leave it to batch-norm")
    if versions != [tensor._version for tensor in state.tensors]:
        refuse("forward writes into a parameter or buffer", "state belongs into normalisation layers only")
    return found


def _check_modes(model: nn.Module, modules: Modules) -> None:
    """Refuse a model some of whose modules are in another mode than its own `train` puts them: it would be lost."""
    modes = [(module, module.training) for _, module in modules]
    if len({mode for _, mode in modes}) == 1:
        return
    try:
        model.train(model.training)
        if any(module.training != mode for module, mode in modes):
            refuse("some modules are in training and some in evaluation mode", "override train() to keep a layer in evaluation")
    finally:
        for module, mode in modes:
            module.training = mode


def traced_call(
    model: nn.Module, modules: Modules, recorder: Recorder, inputs: list[tuple[Shape, str]], training: bool
) -> Captured:
    """One call of the model; in its frames a refusal looks for the line to name."""
    model.train(training)
    modes = [(module, module.training) for _, module in modules]
    with torch.enable_grad(), _NothingRuns() as recorder.mode, _Table(recorder) as recorder.table:
        value = model(*[recorder.input(shape, dtype) for shape, dtype in inputs])
    if any(module.training != mode for module, mode in modes):
        refuse("forward switches between training and evaluation", "leave the mode to the caller")
    several = type(value) is tuple and len(value) > 1
    recorder.graph.outputs = [_output(recorder, item) for item in (value if several else [value])]
    return Captured(recorder.graph, recorder.leaves, recorder.draws, recorder.statistics, several)


def _output(recorder: Recorder, value: Any) -> int:
    if not isinstance(value, torch.Tensor):
        refuse(f"forward returns a {type(value).__name__}", "return one tensor, or a tuple of several")
    node = recorder.node(value)
    if recorder.graph.nodes[node].shape[:1] != (-1,):
        refuse("the first axis of what forward returns is not the batch", "return one row for each sample")
    return node


class _Table(TorchFunctionMode):
    """Every call of a torch function goes to its handler."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder
        self.real = ForReal(recorder)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        handler = TABLE.get(func)
        if func not in MAKES_NEW and not concerns_trace(self.recorder, [*args, *kwargs.values()] if kwargs else args):
            if not counted(self.recorder, func, args):
                return self.real.run(func, args, kwargs or {})
            return args[0]
        if handler is None:
            refuse(f"{_name(func)} is not in the table of operations", "write it with operations that are")
        try:
            return handler(self.recorder, *args, **(kwargs or {}))
        except JitnasError:
            raise
        except Exception as reason:  # noqa: BLE001  whatever a handler cannot digest is not known, also if the model catches it
            refuse(f"{_name(func)} with these arguments ({reason})", "use its common form")


class _NothingRuns(TorchDispatchMode):
    """What reaches torch's kernels has escaped the table: scripted functions, extensions."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; without this, torch imports its compiler for a second or two."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        refuse(f"{func} runs where it cannot be read", "scripted, compiled and extension code has no key; use plain torch")


def _name(func: Any) -> str:
    """What a torch function is called in a message."""
    return str(resolve_name(func) or getattr(func, "__name__", func))
