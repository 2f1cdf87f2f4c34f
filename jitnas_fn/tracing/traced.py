"""What flows through a model while it is traced: plain tensors without numbers, each with a mark that says which node it is."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import is_inference_mode_enabled
from torch.utils._python_dispatch import _get_current_dispatch_mode

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.content import constant_of
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


Owners = dict[tuple[int, int], torch.Tensor]


@dataclass(slots=True)
class Mark:
    """Which node of which call a tensor stands for.

    Attributes
    ----------
    node
        Its index in the graph.
    recorder
        The call that writes the graph.
    storage
        The memory that the tensor shows, which others may show as well.
    seen
        The version of that memory that the node stands for; a later write makes it another value.
    """

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
        id of each parameter and buffer of the model -> its name. Any other tensor that takes gradients is refused.
    owners
        (first byte, end) of the memory of each of them -> the tensor.

    Attributes
    ----------
    leaves
        id of each parameter or buffer that was met -> its node, in the order in which they were met.
    statistics, contents
        ids of the buffers that a batch-norm keeps, and of those whose numbers are read. None may be both.
    draws
        Nodes that draw random numbers, in the order of their calls.
    """

    def __init__(self, parameters: dict[int, str], buffers: dict[int, str], owners: Owners) -> None:
        self.graph = Graph()
        self.owners = owners
        self.parameters = parameters
        self.buffers = buffers
        self.leaves: dict[int, int] = {}
        self.written: dict[int, tuple[int, int]] = {}  # statistic -> (its partner, the last call that keeps it)
        self.only_read: set[int] = set()  # statistics that a call has used without keeping them
        self.statistics: set[int] = set()
        self.contents: set[int] = set()
        self.draws: list[int] = []
        self.unset: set[int] = set()  # nodes that stand for memory to which nothing was written yet
        self.mode: object = None  # the dispatch mode under which the call runs
        self.table: Any = None  # the function mode under which it runs
        self._constants: dict[tuple[int, int], tuple[torch.Tensor, int]] = {}  # (id, version) -> (kept alive, node)

    def input(self, shape: Shape, dtype: str) -> torch.Tensor:
        """The next input of the model, `shape` without the batch."""
        return self._marked(self.graph.input(shape, dtype), None)

    def traced(self, node: int, alias: torch.Tensor | None = None) -> torch.Tensor:
        """A tensor for `node`. With `alias`, one that may share its memory. Where gradients are off, none flows through it."""
        self._check_surroundings()
        if not torch.is_grad_enabled():
            node = self.cut(node)
        return self._marked(node, alias)

    def memory(self, node: int) -> torch.Tensor:
        """A tensor for memory that `node` stands for until something is written to it."""
        self._check_surroundings()
        self.unset.add(node)
        return self._marked(node, None)

    def cut(self, node: int) -> int:
        """The value of `node` without its gradient."""
        return node if self.graph.nodes[node].dtype not in FLOATS else self.add("detach", [("x", node)])

    def drawn(self, node: int) -> int:
        """`node`, noted as one that draws random numbers."""
        self.draws.append(node)
        return node

    def _marked(self, node: int, alias: torch.Tensor | None) -> torch.Tensor:
        mark = mark_of(alias)
        storage = mark.storage if mark is not None else Storage(of_state=alias is not None)
        tensor = torch.Tensor._make_subclass(torch.Tensor, _TEMPLATE)
        tensor.__dict__[_NAME] = Mark(node, self, storage, storage.version)
        return tensor

    def _check_surroundings(self) -> None:
        """Refuse what would change values or gradients outside of what is recorded."""
        if is_inference_mode_enabled():
            refuse("inference mode is switched on", "leave it to the caller; torch.no_grad and detach cut gradients")
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            refuse("an autocast is active", "precision belongs to the recipe: leave autocast out")
        if _get_current_dispatch_mode() is not self.mode:
            refuse("another dispatch mode is active", "leave torch's modes out of forward")

    def node(self, tensor: Any) -> int:
        """The node behind a tensor that an operation reads."""
        mark = mark_of(tensor)
        if mark is not None:
            self._check_mark(mark)
            if mark.node in self.unset:
                refuse("a tensor from torch.empty is read before it was filled", "fill it, or use zeros")
            return mark.node
        if not isinstance(tensor, torch.Tensor):
            refuse(f"a {type(tensor).__name__} stands where a tensor is expected", "pass a tensor")
        if id(tensor) in self.parameters:
            return self._leaf(tensor, "parameter")
        if id(tensor) in self.buffers:
            self.read(tensor)
            return self._leaf(tensor, "buffer")
        return self._constant(tensor)

    def _check_mark(self, mark: Mark) -> None:
        if mark.recorder is not self:
            refuse("a tensor from an earlier call is used again", "keep no tensors from one forward to the next")
        if mark.seen != mark.storage.version:
            refuse(
                "a tensor is used after another view of the same memory was changed in place",
                "write the change without the trailing underscore, or inplace=False",
            )

    def read(self, tensor: torch.Tensor) -> None:
        """Note that the numbers of a tensor outside of the trace are looked at."""
        if tensor.requires_grad:
            refuse(
                "a tensor is used that takes gradients and is no registered parameter",
                "register it (nn.Parameter as an attribute, nn.ModuleList instead of a plain list)",
            )
        if id(tensor) in self.buffers:
            self.contents.add(id(tensor))
            if id(tensor) in self.statistics:
                refuse(f"the running statistic {self.buffers[id(tensor)]} is computed with", "leave it to batch-norm")

    def _constant(self, tensor: torch.Tensor) -> int:
        """The node of a tensor that was not made by the trace: its numbers are part of the network."""
        self.read(tensor)
        place = id(tensor), tensor._version
        if place not in self._constants:
            self._read_owner(tensor)
            op, attrs = constant_of(tensor)
            self._constants[place] = tensor, self.add(op, [], attrs)
        return self._constants[place][1]

    def _read_owner(self, tensor: torch.Tensor) -> None:
        """Refuse a view of a parameter; note the reading of the buffer in whose memory a tensor lies."""
        first = tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided else 0
        for (begin, end), owner in self.owners.items():
            if begin <= first < end:
                if owner.requires_grad:
                    name = self.parameters[id(owner)]
                    refuse(f"a view of {name} is used as a constant", "take the view in forward, from the parameter")
                self.read(owner)

    def statistic(self, tensor: Any) -> int:
        """The node of a buffer that keeps a running statistic."""
        if id(tensor) not in self.buffers:
            refuse("running statistics that are no registered buffers", "use nn.BatchNorm, or register_buffer")
        self.kept(tensor)
        return self._leaf(tensor, "buffer")

    def kept(self, tensor: torch.Tensor) -> None:
        """Note that a batch-norm keeps a statistic in this buffer."""
        self.statistics.add(id(tensor))
        if id(tensor) in self.contents:
            refuse(f"the running statistic {self.buffers[id(tensor)]} is computed with", "leave it to batch-norm")

    def _leaf(self, tensor: torch.Tensor, op: str) -> int:
        if id(tensor) not in self.leaves:  # the initialisation is filled in when it is known that the leaf is live
            try:
                self.leaves[id(tensor)] = self.graph.leaf(op, {}, tuple(tensor.shape), name_of(tensor.dtype))
            except DocumentError as reason:
                refuse(f"a {op} of shape {list(tensor.shape)} and {tensor.dtype}: {reason}", "use one within the bounds")
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

    def spelled_out(self, function: Any, *args: Any, **named: Any) -> Any:
        """The value of a function that is written with torch functions of the table."""
        with self.table:
            return function(*args, **named)

    def overwrite(self, tensor: Any, node: int, *, fills: bool = False) -> torch.Tensor:
        """`tensor` after it was changed in place to what `node` gives; `fills` if that does not depend on what was there."""
        mark = mark_of(tensor)
        if mark is None or mark.storage.of_state:
            refuse("a parameter or buffer is changed in place in forward", "state belongs into normalisation layers only")
        if not torch.is_grad_enabled() and not (fills and mark.node in self.unset):
            refuse("a tensor is changed in place where gradients are off", "make a new tensor: without the trailing underscore")
        if self.graph.nodes[node].shape != self.graph.nodes[mark.node].shape:
            refuse("an operation in place would change the shape", "write it without the trailing underscore")
        mark.storage.version += 1
        mark.seen, mark.node = mark.storage.version, node
        return tensor  # type: ignore[no-any-return]

    def shape(self, tensor: Any) -> Shape:
        """Shape of a tensor, the batch as a negative number."""
        mark = mark_of(tensor)
        return self.graph.nodes[self.node(tensor) if mark is None else mark.node].shape

    def dtype(self, tensor: Any) -> str:
        """Name of the dtype of a tensor."""
        mark = mark_of(tensor)
        return name_of(tensor.dtype) if mark is None else self.graph.nodes[mark.node].dtype


def name_of(dtype: torch.dtype) -> str:
    """The name of a dtype: float32 for `torch.float32`."""
    return str(dtype).removeprefix("torch.")
