"""The one intermediate form: a directed acyclic graph of operations, with each parameter's shape and initialisation.

A shape is a tuple of integers in which the batch is written as a negative number, as in PyTorch's `view(-1, 10)`: -1 is the
batch, -4 is four times the batch. At most one entry of a shape is negative. So a product of entries keeps track of it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.dtypes import DTYPES, FLOATS
from jitnas_fn.graphs.initialisations import checked_init
from jitnas_fn.graphs.operations import LARGEST_TENSOR, LEAVES, Shape
from jitnas_fn.graphs.opset import operation
from jitnas_fn.graphs.readings import Readings

MAX_NODES = 20_000
MAX_ELEMENTS = LARGEST_TENSOR  # also of all parameters together
_INFERRED: dict[tuple[str, str, tuple[tuple[str, Shape], ...]], tuple[Json, Shape]] = {}  # (op, attributes, inputs) met before
MAX_INFERRED = 10_000


class Node(NamedTuple):
    """One operation, input, parameter or buffer.

    Attributes
    ----------
    op
        Name in `graphs.opset`, or "input", "parameter", "buffer", or "start": one draw with which several parameters begin,
        which read it and have no initialisation of their own.
    attrs
        The operation's attributes, JSON values.
    inputs
        (label, index of the node it comes from). A label that repeats is a multiset: the order carries no meaning.
    shape, dtype
        Of the value, inferred.
    origin
        Of a parameter or buffer in a graph that is being simplified: its index in the graph that was first written.
    """

    op: str
    attrs: Json
    inputs: tuple[tuple[str, int], ...]
    shape: Shape
    dtype: str
    origin: int = -1

    @property
    def label(self) -> str:
        """What the node is apart from its place in the graph."""
        kind = [self.op, self.attrs]
        return canonical([*kind, list(self.shape), self.dtype] if self.op in LEAVES else kind)

    def sources(self, label: str) -> list[int]:
        """Nodes that come in under `label`."""
        return [source for name, source in self.inputs if name == label]

    def source(self, label: str) -> int:
        """The node that comes in under `label`."""
        return self.sources(label)[0]

    def has(self, label: str) -> bool:
        """Whether something comes in under `label`."""
        return any(name == label for name, _ in self.inputs)


@dataclass(slots=True)
class Graph:
    """Nodes, each after those it reads, and the outputs among them. `add` checks and infers shapes.

    Attributes
    ----------
    nodes
        Leaves and operations; others name them by their index.
    outputs
        Indices of the nodes whose values the network returns, in order.
    elements
        Numbers of all parameters and buffers together.
    readings
        What was read of constants and statistics so far.
    """

    nodes: list[Node] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    elements: int = field(default=0, compare=False)
    readings: Readings = field(default_factory=Readings, compare=False, repr=False)

    def input(self, shape: Sequence[int], dtype: str) -> int:
        """Add the next input of the network; `shape` is one sample's."""
        position = sum(node.op == "input" for node in self.nodes)
        return self.leaf("input", {"position": position}, (-1, *shape), dtype)

    def parameter(self, shape: Sequence[int], init: Json, *, dtype: str = "float32", trainable: bool = True) -> int:
        """Add a parameter.

        `init` is one of {"const": c}, {"uniform": [low, high]}, {"normal": [mean, std]}, {"trunc_normal": [mean, std, low,
        high]}, and {"rows": [[count, init], ...]} along the first axis.
        """
        return self.leaf("parameter", {"init": checked_init(init, shape), "trainable": trainable}, tuple(shape), dtype)

    def buffer(self, shape: Sequence[int], init: Json, *, dtype: str = "float32") -> int:
        """Add a buffer: a statistic that training keeps, not a parameter."""
        return self.leaf("buffer", {"init": checked_init(init, shape)}, tuple(shape), dtype)

    def start(self, shape: Sequence[int], init: Json, *, dtype: str = "float32") -> int:
        """Add one draw that several parameters, added by `copy`, begin with."""
        return self.leaf("start", {"init": checked_init(init, shape)}, tuple(shape), dtype)

    def copy(self, start: int, *, trainable: bool = True) -> int:
        """Add a parameter that begins with the numbers of `start`."""
        drawn = self.nodes[start]
        index = self.leaf("parameter", {"trainable": trainable}, drawn.shape, drawn.dtype)
        self.nodes[index] = self.nodes[index]._replace(inputs=(("start", start),))
        return index

    def add(self, op: str, inputs: Iterable[tuple[str, int]], attrs: Json | None = None) -> int:
        """Add an operation and return its index.

        Raises
        ------
        DocumentError
            If the operation is unknown, an attribute or input is missing or wrong, or the shapes do not fit.
        """
        kind, edges = operation(op), tuple(inputs)
        for _, source in edges:
            if not 0 <= source < len(self.nodes):
                raise DocumentError(f"{op} reads node {source} before it exists")
        shapes = tuple((label, self.nodes[source].shape) for label, source in edges)
        memo = (op, repr(attrs), shapes) if op != "constant" else None  # its numbers are not kept for long
        found = _INFERRED.get(memo) if memo else None
        if found is None:
            checked = kind.checked_attrs(attrs or {})
            kind.check_labels([label for label, _ in edges])
            shape = checked_shape(kind.shape(checked, [edge for edge in shapes if edge[0] != "after"]), op)
            if len(_INFERRED) >= MAX_INFERRED:
                _INFERRED.clear()
            found = checked, shape
            if memo:
                _INFERRED[memo] = found
        checked, shape = found
        dtype = self._dtype(op, checked, edges)
        self.readings.check(self.nodes, op, checked, edges)
        return self._append(Node(op, checked, edges, shape, dtype))

    def _dtype(self, op: str, attrs: Json, edges: tuple[tuple[str, int], ...]) -> str:
        given = [(label, self.nodes[source].dtype) for label, source in edges if label != "after"]
        try:
            dtype = operation(op).dtype(attrs, given)
            operation(op).check_range(attrs, [label for label, _ in given], dtype)
            return dtype
        except DocumentError as reason:
            raise DocumentError(f"{op} {reason}") from None

    def leaf(self, op: str, attrs: Json, shape: Shape, dtype: str) -> int:
        """Add an input, parameter or buffer whose attributes are already checked."""
        if dtype not in DTYPES:
            raise DocumentError(f"no dtype {str(dtype)[:40]!r}; there are {', '.join(DTYPES)}")
        if attrs.get("trainable") and dtype not in FLOATS:
            raise DocumentError(f"a parameter that is trained is one of {', '.join(FLOATS)}, not {dtype}")
        node = Node(op, attrs, (), checked_shape(shape, op), dtype)
        if op in ("parameter", "buffer"):
            self.elements += math.prod(node.shape)
        if self.elements > MAX_ELEMENTS:
            raise DocumentError(f"more than {MAX_ELEMENTS:,} parameters")
        return self._append(node)

    def _append(self, node: Node) -> int:
        if len(self.nodes) >= MAX_NODES:
            raise DocumentError(f"more than {MAX_NODES:,} nodes")
        self.nodes.append(node)
        return len(self.nodes) - 1

    def read_in(self, index: int, *, training: bool) -> list[int]:
        """The nodes that a node reads in one mode."""
        node = self.nodes[index]
        if node.op == "mode":
            return node.sources("train" if training else "eval")
        return [source for _, source in node.inputs]

    def live_in(self, *, training: bool) -> list[int]:
        """Indices of the nodes that an output depends on in one mode, rising."""
        found, todo = set(self.outputs), list(self.outputs)
        while todo:
            fresh = [source for source in self.read_in(todo.pop(), training=training) if source not in found]
            found.update(fresh)
            todo += fresh
        return sorted(found)

    def live(self) -> list[int]:
        """Indices of the inputs, and of the nodes that an output depends on, rising."""
        found = {i for i, node in enumerate(self.nodes) if node.op == "input"} | set(self.outputs)
        todo = list(self.outputs)
        while todo:
            for _, source in self.nodes[todo.pop()].inputs:
                if source not in found:
                    found.add(source)
                    todo.append(source)
        return sorted(found)


def checked_shape(shape: Sequence[int], what: str) -> Shape:
    """`shape` as a tuple, if every entry is a size, at most one holds the batch, and it is not too large."""
    if len(shape) > 8 or not all(type(size) is int and size != 0 and abs(size) <= 2**31 for size in shape):
        raise DocumentError(f"{what}: a shape is at most 8 sizes other than 0, not {str(list(shape))[:80]}")
    if sum(size < 0 for size in shape) > 1:
        raise DocumentError(f"{what}: the batch appears twice in {list(shape)}")
    if abs(math.prod(shape)) > MAX_ELEMENTS:
        raise DocumentError(f"{what}: {list(shape)} has more than {MAX_ELEMENTS:,} elements a sample")
    return tuple(shape)
