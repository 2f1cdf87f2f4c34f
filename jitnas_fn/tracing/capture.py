"""Run a model on traced tensors and write down its graph. Nothing is computed; what is not in the table is refused."""

import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._python_dispatch import TorchDispatchMode

from jitnas_fn.core.errors import JitnasError, ModelFailed
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing import elementwise, layers, parts, questions, views  # noqa: F401  (they fill the table)
from jitnas_fn.tracing.guard import inspect, untouched
from jitnas_fn.tracing.refusal import REFUSALS, refuse
from jitnas_fn.tracing.surroundings import guarded
from jitnas_fn.tracing.table import TABLE
from jitnas_fn.tracing.traced import Recorder

ONE_AT_A_TIME = threading.RLock()  # training flags, torch's modes and Function.apply are not per thread


class Captured:
    """What one call of a model wrote.

    Attributes
    ----------
    graph
        Parameters and buffers stand in it with an empty initialisation.
    leaves
        id of each parameter or buffer that was met -> its node, in the order in which they were met.
    """

    def __init__(self, graph: Graph, leaves: dict[int, int]) -> None:
        self.graph = graph
        self.leaves = leaves


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
        parameters, buffers = inspect(model)
        _check_modes(model)
        try:
            with untouched(model), torch.inference_mode(mode=False), torch.autocast("cpu", enabled=False), guarded():
                found = [traced_call(model, Recorder(parameters, buffers, gradients=mode), inputs, mode) for mode in modes]
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


def _check_modes(model: nn.Module) -> None:
    """Refuse a model some of whose modules are in another mode than its own `train` puts them: it would be lost."""
    modes = [(module, module.training) for module in model.modules()]
    if len({mode for _, mode in modes}) == 1:
        return
    try:
        model.train(model.training)
        if any(module.training != mode for module, mode in modes):
            refuse("some modules are in training and some in evaluation mode", "override train() to keep a layer in evaluation")
    finally:
        for module, mode in modes:
            module.training = mode


def traced_call(model: nn.Module, recorder: Recorder, inputs: list[tuple[Shape, str]], training: bool) -> Captured:
    """One call of the model; in its frames a refusal looks for the line to name."""
    model.train(training)
    modes = [(module, module.training) for module in model.modules()]
    with torch.set_grad_enabled(training), _NothingRuns() as recorder.mode, _Table(recorder):
        value = model(*[recorder.input(shape, dtype) for shape, dtype in inputs])
    if any(module.training != mode for module, mode in modes):
        refuse("forward switches between training and evaluation", "leave the mode to the caller")
    recorder.graph.outputs = [_output(recorder, value)]
    return Captured(recorder.graph, recorder.leaves)


def _output(recorder: Recorder, value: Any) -> int:
    if not isinstance(value, torch.Tensor):
        refuse(f"forward returns a {type(value).__name__}", "return one tensor")
    node = recorder.node(value)
    if recorder.graph.nodes[node].shape[:1] != (-1,):
        refuse("the first axis of what forward returns is not the batch", "return one row for each sample")
    return node


class _Table(TorchFunctionMode):
    """Every call of a torch function goes to its handler."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        handler = TABLE.get(func)
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
