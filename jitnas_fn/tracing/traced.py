"""What flows through a model while it is traced: tensors without numbers, whose batch is a symbol."""

import sys
from typing import Any, NoReturn

import torch

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError, UnsupportedModel
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape

_TEMPLATE = torch.empty(0, device="meta")
REFUSALS: list[UnsupportedModel] = []  # of the capture that runs; kept, because a model may catch what is raised
HINT = "or evaluate it without a key: identity='none'"


class Batch(torch.SymInt):  # torch's argument parser takes a SymInt where a size is expected
    """A whole multiple of the batch size. It may be passed to shapes; a branch or a loop on it is refused."""

    def __init__(self, times: int = 1) -> None:
        super().__init__(None)  # type: ignore[no-untyped-call]
        self.times = times

    def __mul__(self, other: object) -> "Batch":
        return Batch(self.times * other) if type(other) is int else self._refused("multiplied")

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> Any:
        if isinstance(other, Batch) and self.times % other.times == 0:
            return self.times // other.times
        if type(other) is int and other > 0 and self.times % other == 0:
            return Batch(self.times // other)
        return self._refused("divided")

    def __eq__(self, other: object) -> bool:
        return self.times == other.times if isinstance(other, Batch) else self._refused("compared")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("batch", self.times))

    def __repr__(self) -> str:
        return "batch" if self.times == 1 else f"{self.times}·batch"

    def _refused(self, what: str) -> NoReturn:
        refuse(f"the batch size is {what}", "a network has to work alike for every batch size")

    def _used(self, *given: object) -> Any:
        self._refused("compared, or used as a number")

    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __index__ = __int__ = __float__ = _used
    __add__ = __radd__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = _used


class Storage:
    """What tensors that may share memory have in common.

    Parameters
    ----------
    of_state
        Whether it is a parameter's or buffer's memory, which forward may not write to.
    """

    __slots__ = ("of_state", "version")

    def __init__(self, *, of_state: bool = False) -> None:
        self.of_state = of_state
        self.version = 0  # number of writes in place


class Traced(torch.Tensor):
    """A tensor known only by the node that makes it."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]
    node: int
    recorder: "Recorder"
    storage_shared: Storage
    version_seen: int


class Recorder:
    """The graph that a model writes while it runs on traced tensors.

    Parameters
    ----------
    parameters, buffers
        id of each parameter and buffer of the model -> its name. A tensor that is in neither is refused.
    gradients
        Whether the call runs with gradients, as in training.
    """

    def __init__(self, parameters: dict[int, str], buffers: dict[int, str], *, gradients: bool = True) -> None:
        self.graph = Graph()
        self.gradients = gradients
        self.parameters = parameters
        self.buffers = buffers
        self.leaves: dict[int, int] = {}
        self.written: dict[int, tuple[int, int]] = {}  # statistic -> (its partner, the last call that keeps it)
        self.only_read: set[int] = set()  # statistics that a call has used without keeping them

    def input(self, shape: Shape, dtype: str) -> Traced:
        """The next input of the model, `shape` without the batch."""
        return self.traced(self.graph.input(shape, dtype))

    def traced(self, node: int, alias: torch.Tensor | None = None) -> Traced:
        """A tensor for `node`. With `alias`, one that may share its memory."""
        tensor: Any = torch.Tensor._make_subclass(Traced, _TEMPLATE)
        tensor.node, tensor.recorder = node, self
        tensor.storage_shared = alias.storage_shared if isinstance(alias, Traced) else Storage(of_state=alias is not None)
        tensor.version_seen = tensor.storage_shared.version
        return tensor  # type: ignore[no-any-return]

    def node(self, tensor: Any) -> int:
        """The node behind a tensor that an operation reads."""
        if isinstance(tensor, Traced):
            if tensor.recorder is not self:
                refuse("a tensor from an earlier call is used again", "keep no tensors from one forward to the next")
            if tensor.version_seen != tensor.storage_shared.version:
                refuse(
                    "a tensor is used after another view of the same memory was changed in place",
                    "write the change without the trailing underscore, or inplace=False",
                )
            return tensor.node
        if not isinstance(tensor, torch.Tensor):
            refuse(f"a {type(tensor).__name__} stands where a tensor is expected", "pass a tensor")
        if id(tensor) in self.buffers:
            name = self.buffers[id(tensor)]
            refuse(f"buffer {name!r} is computed with", "only running statistics of batch_norm are known so far")
        if id(tensor) not in self.parameters:
            refuse(
                "a tensor is used that is neither the input nor a registered parameter",
                "register it (nn.Parameter, nn.ModuleList instead of a plain list); constant tensors are not known so far",
            )
        return self._leaf(tensor, self.graph.parameter)

    def statistic(self, tensor: Any) -> int:
        """The node of a buffer that keeps a running statistic."""
        if id(tensor) not in self.buffers:
            refuse("running statistics that are no registered buffers", "use nn.BatchNorm, or register_buffer")
        return self._leaf(tensor, self.graph.buffer)

    def _leaf(self, tensor: torch.Tensor, make: Any) -> int:
        if id(tensor) not in self.leaves:  # the initialisation is filled in when it is known that the leaf is live
            self.leaves[id(tensor)] = make(tuple(tensor.shape), {"const": 0.0}, dtype=name_of(tensor.dtype))
        return self.leaves[id(tensor)]

    def add(self, op: str, inputs: list[tuple[str, int]], attrs: Json | None = None) -> int:
        """Add an operation; what does not fit is refused with the line that wrote it."""
        if torch.is_grad_enabled() != self.gradients:
            refuse(
                f"{op} runs where gradients are switched off or on", "leave them to the caller; requires_grad_(False) freezes"
            )
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            refuse(f"{op} runs under autocast", "precision belongs to the recipe: take the autocast out of forward")
        try:
            return self.graph.add(op, inputs, attrs)
        except DocumentError as reason:
            refuse(f"{op}: {reason}", "check the shapes against input_shape, which has no batch")

    def compute(self, op: str, inputs: list[tuple[str, Any]], attrs: Json | None = None) -> Traced:
        """A new tensor from an operation on tensors; None stands for an input that is not given."""
        edges = [(label, self.node(tensor)) for label, tensor in inputs if tensor is not None]
        return self.traced(self.add(op, edges, attrs))

    def overwrite(self, tensor: Any, node: int) -> Traced:
        """`tensor` after it was changed in place to what `node` gives."""
        if not isinstance(tensor, Traced) or tensor.storage_shared.of_state:
            refuse("a parameter or buffer is changed in place in forward", "state belongs into normalisation layers only")
        if self.graph.nodes[node].shape != self.graph.nodes[tensor.node].shape:
            refuse("an operation in place would change the shape", "write it without the trailing underscore")
        tensor.storage_shared.version += 1
        tensor.version_seen, tensor.node = tensor.storage_shared.version, node
        return tensor

    def shape(self, tensor: Any) -> Shape:
        """Shape of a tensor, the batch as a negative number."""
        return self.graph.nodes[self.node(tensor)].shape


def name_of(dtype: torch.dtype) -> str:
    """The name of a dtype: float32 for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


def sizes(shape: Shape) -> tuple[Any, ...]:
    """`shape` as a model sees it."""
    return tuple(Batch(-size) if size < 0 else size for size in shape)


def refuse(what: str, instead: str) -> NoReturn:
    """Raise `UnsupportedModel` that names the line of the model."""
    REFUSALS.append(UnsupportedModel(f"{what}{_line()}; {instead}, {HINT}"))
    raise REFUSALS[-1]


def _line() -> str:
    """The innermost frame of the model's own code, as (net.py, line 12); empty outside of its forward."""
    frame: Any = sys._getframe(1)
    found = ""
    while frame is not None and not (
        frame.f_code.co_name == "traced_call" and frame.f_globals["__name__"] == "jitnas_fn.tracing.capture"
    ):
        module = frame.f_globals.get("__name__", "")
        if not found and not module.startswith(("torch.", "jitnas_fn.")) and module != "torch":
            name = frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
            found = f" ({name}, line {frame.f_lineno})"
        frame = frame.f_back
    return "" if frame is None else found
