"""A graph is written anew, node by node, each in its simplest form."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.graphs.opset import operation

Edges = tuple[tuple[str, int], ...]


def in_order(edges: Iterable[tuple[str, int]]) -> Edges:
    """Edges in the one order in which a graph is compared."""
    return tuple(sorted(edges))


@dataclass(slots=True)
class Rewriter:
    """A graph that grows; a pure operation that is there already is not added again.

    Attributes
    ----------
    rules
        Operation -> what may find something simpler.
    graph
        What was written so far.
    known
        (operation, attributes, inputs) of a pure operation -> its node.
    trained
        For each node, whether gradients of a parameter pass through it.
    """

    rules: "dict[str, Rule]"
    graph: Graph = field(default_factory=Graph)
    known: dict[tuple[str, str, Edges], int] = field(default_factory=dict)
    trained: list[bool] = field(default_factory=list)

    def kept(self, node: Node, edges: Edges) -> int:
        """The node as it is, reading from `edges`."""
        edges = in_order(edges)
        if node.op not in LEAVES and operation(node.op).pure:
            key = node.op, repr(node.attrs), edges  # checked attributes come in one order and one type each
            if key in self.known:
                return self.known[key]
            self.known[key] = len(self.graph.nodes)
        self.graph.nodes.append(Node(node.op, node.attrs, edges, node.shape, node.dtype, node.origin))
        self.trained.append(self._is_trained(node, edges))
        return len(self.graph.nodes) - 1

    def _is_trained(self, node: Node, edges: Edges) -> bool:
        if node.op == "parameter":
            return bool(node.attrs["trainable"])
        return node.op != "detach" and node.dtype in FLOATS and any(self.trained[source] for _, source in edges)

    def added(self, op: str, edges: Edges, attrs: Json) -> int:
        """A new operation, simplified in its turn."""
        trial = Graph(self.graph.nodes, [])
        index = trial.add(op, edges, attrs)
        return self.rewritten(self.graph.nodes.pop(index), edges)

    def is_zero(self, index: int) -> bool:
        """Whether a node is nothing but zeros."""
        node = self.graph.nodes[index]
        return node.op == "full" and node.attrs["value"] == 0.0

    def zeros(self, like: Node) -> int:
        """Zeros of the shape and type of a node."""
        return self.added("full", (), {"shape": list(like.shape), "value": 0.0, "dtype": like.dtype})

    def rewritten(self, node: Node, edges: Edges) -> int:
        """The node, or something simpler that computes the same."""
        rule = self.rules.get(node.op)
        found = rule(self, node, edges) if rule else None
        if found is not None:
            return found
        if self._stays_zero(node, edges):
            return self.zeros(node)
        return self.kept(node, edges)

    def _stays_zero(self, node: Node, edges: Edges) -> bool:
        sources = [source for label, source in edges if label == "x"]
        keeps = node.op not in LEAVES and operation(node.op).keeps_zero and all(label != "bias" for label, _ in edges)
        return keeps and len(sources) == 1 and self.is_zero(sources[0])


Rule = Callable[[Rewriter, Node, Edges], int | None]  # a node that computes the same as this one would; None: keep it
