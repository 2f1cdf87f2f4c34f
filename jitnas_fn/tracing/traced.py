"""What flows through a model while it is traced: plain tensors without numbers, each with a mark that says which node it is."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import is_inference_mode_enabled
from torch.utils._python_dispatch import _get_current_dispatch_mode

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.refusal import refuse

_TEMPLATE = torch.empty(0, device="meta")
_NAME = "_jitnas_mark"


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


@dataclass(slots=True)
class Mark:
    """Which node of which call a tensor stands for, and the version of its memory that it has seen."""

    node: int
    recorder: "Recorder"
    storage: Storage
    seen: int


def mark_of(tensor: object) -> Mark | None:
    """The mark of a traced tensor; None for any other thing."""
    return getattr(tensor, "__dict__", {}).get(_NAME) if isinstance(tensor, torch.Tensor) else None


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
        self.mode: object = None  # the dispatch mode under which the call runs

    def input(self, shape: Shape, dtype: str) -> torch.Tensor:
        """The next input of the model, `shape` without the batch."""
        return self._marked(self.graph.input(shape, dtype), None)

    def traced(self, node: int, alias: torch.Tensor | None = None) -> torch.Tensor:
        """A tensor for `node`. With `alias`, one that may share its memory."""
        self._check_surroundings()
        return self._marked(node, alias)

    def _marked(self, node: int, alias: torch.Tensor | None) -> torch.Tensor:
        mark = mark_of(alias)
        storage = mark.storage if mark is not None else Storage(of_state=alias is not None)
        tensor = torch.Tensor._make_subclass(torch.Tensor, _TEMPLATE)
        tensor.__dict__[_NAME] = Mark(node, self, storage, storage.version)
        return tensor

    def _check_surroundings(self) -> None:
        """Refuse what would change values or gradients outside of what is recorded."""
        if torch.is_grad_enabled() != self.gradients or is_inference_mode_enabled():
            refuse("gradients are switched off or on", "leave them to the caller; requires_grad_(False) freezes a parameter")
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            refuse("an autocast is active", "precision belongs to the recipe: leave autocast out")
        if _get_current_dispatch_mode() is not self.mode:
            refuse("another dispatch mode is active", "leave torch's modes out of forward")

    def node(self, tensor: Any) -> int:
        """The node behind a tensor that an operation reads."""
        mark = mark_of(tensor)
        if mark is not None:
            if mark.recorder is not self:
                refuse("a tensor from an earlier call is used again", "keep no tensors from one forward to the next")
            if mark.seen != mark.storage.version:
                refuse(
                    "a tensor is used after another view of the same memory was changed in place",
                    "write the change without the trailing underscore, or inplace=False",
                )
            return mark.node
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
        return self._leaf(tensor, "parameter")

    def statistic(self, tensor: Any) -> int:
        """The node of a buffer that keeps a running statistic."""
        if id(tensor) not in self.buffers:
            refuse("running statistics that are no registered buffers", "use nn.BatchNorm, or register_buffer")
        return self._leaf(tensor, "buffer")

    def _leaf(self, tensor: torch.Tensor, op: str) -> int:
        if id(tensor) not in self.leaves:  # the initialisation is filled in when it is known that the leaf is live
            try:
                self.leaves[id(tensor)] = self.graph.leaf(op, {}, tuple(tensor.shape), name_of(tensor.dtype))
            except DocumentError as reason:
                refuse(f"a parameter of shape {list(tensor.shape)} and {tensor.dtype}: {reason}", "use one within the bounds")
        return self.leaves[id(tensor)]

    def add(self, op: str, inputs: list[tuple[str, int]], attrs: Json | None = None) -> int:
        """Add an operation; what does not fit is refused with the line that wrote it."""
        self._check_surroundings()
        try:
            return self.graph.add(op, inputs, attrs)
        except DocumentError as reason:
            refuse(f"{op}: {reason}", "check the shapes against input_shape, which has no batch")

    def compute(self, op: str, inputs: list[tuple[str, Any]], attrs: Json | None = None) -> torch.Tensor:
        """A new tensor from an operation on tensors; None stands for an input that is not given."""
        edges = [(label, self.node(tensor)) for label, tensor in inputs if tensor is not None]
        return self.traced(self.add(op, edges, attrs))

    def overwrite(self, tensor: Any, node: int) -> torch.Tensor:
        """`tensor` after it was changed in place to what `node` gives."""
        mark = mark_of(tensor)
        if mark is None or mark.storage.of_state:
            refuse("a parameter or buffer is changed in place in forward", "state belongs into normalisation layers only")
        if self.graph.nodes[node].shape != self.graph.nodes[mark.node].shape:
            refuse("an operation in place would change the shape", "write it without the trailing underscore")
        mark.storage.version += 1
        mark.seen, mark.node = mark.storage.version, node
        return tensor  # type: ignore[no-any-return]

    def shape(self, tensor: Any) -> Shape:
        """Shape of a tensor, the batch as a negative number."""
        return self.graph.nodes[self.node(tensor)].shape


def name_of(dtype: torch.dtype) -> str:
    """The name of a dtype: float32 for `torch.float32`."""
    return str(dtype).removeprefix("torch.")
