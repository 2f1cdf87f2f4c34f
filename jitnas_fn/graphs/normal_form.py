"""The normal form: spellings of one computation become one graph. Every rule keeps the function and what is trained.

Rules never look at the order of nodes, so graphs that differ in it alone get isomorphic normal forms. They are applied until
none fires. Where a rule might change more than rounding, there is no rule: a false split costs time, a wrong merge the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.opening import opened
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.graphs.opset import operation
from jitnas_fn.graphs.shapes import broadcast

Edges = tuple[tuple[str, int], ...]
MAX_PASSES = 200
MAX_JOINED = 512  # parts of a `cat` up to which those inside are opened


def normal_form(graph: Graph) -> Graph:
    """`graph` without dead nodes, equal computations made one, and every local rule applied; the argument is not changed.

    Raises
    ------
    DocumentError
        If it does not settle within `MAX_PASSES`.
    """
    for _ in range(MAX_PASSES):
        simpler = _pass(graph)
        if simpler == graph:
            nested = any(node.op in ("sum", "prod") for node in graph.nodes)
            simpler = _pass(opened(graph)) if nested else graph
            if simpler == graph:
                return graph
        graph = simpler
    raise DocumentError(f"the graph does not settle in {MAX_PASSES} passes of simplification")


def _pass(graph: Graph) -> Graph:
    """One pass of the local rules, from inputs to outputs."""
    rewriter, place = _Rewriter(), {}  # type: tuple[_Rewriter, dict[int, int]]
    for i in graph.live():
        node = graph.nodes[i]
        place[i] = rewriter.rewritten(node, tuple((label, place[source]) for label, source in node.inputs))
    rewriter.graph.outputs = [place[i] for i in graph.outputs]
    live = rewriter.graph.live()
    return rewriter.graph if len(live) == len(rewriter.graph.nodes) else _pruned(rewriter.graph, live)


def _pruned(graph: Graph, live: list[int]) -> Graph:
    place, nodes = {old: new for new, old in enumerate(live)}, []
    for old in live:
        node = graph.nodes[old]
        edges = _in_order((label, place[source]) for label, source in node.inputs)
        nodes.append(Node(node.op, node.attrs, edges, node.shape, node.dtype, node.origin))
    return Graph(nodes, [place[i] for i in graph.outputs])


def _in_order(edges: Iterable[tuple[str, int]]) -> Edges:
    return tuple(sorted(edges))


@dataclass(slots=True)
class _Rewriter:
    """A graph that grows; a pure operation that is there already is not added again."""

    graph: Graph = field(default_factory=Graph)
    known: dict[tuple[str, str, Edges], int] = field(default_factory=dict)
    trained: list[bool] = field(default_factory=list)  # whether gradients of a parameter pass through a node

    def kept(self, node: Node, edges: Edges) -> int:
        """The node as it is, reading from `edges`."""
        edges = _in_order(edges)
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
        node = self.graph.nodes[index]
        return node.op == "full" and node.attrs["value"] == 0.0

    def zeros(self, like: Node) -> int:
        return self.added("full", (), {"shape": list(like.shape), "value": 0.0, "dtype": like.dtype})

    def rewritten(self, node: Node, edges: Edges) -> int:
        """The node, or something simpler that computes the same."""
        rule = getattr(self, f"_{node.op}", None)
        found = rule(node, edges) if rule else None
        if found is not None:
            return int(found)
        if self._stays_zero(node, edges):
            return self.zeros(node)
        return self.kept(node, edges)

    def _stays_zero(self, node: Node, edges: Edges) -> bool:
        sources = [source for label, source in edges if label == "x"]
        keeps = node.op not in LEAVES and operation(node.op).keeps_zero and all(label != "bias" for label, _ in edges)
        return keeps and len(sources) == 1 and self.is_zero(sources[0])

    # arithmetic

    def _sum(self, node: Node, edges: Edges) -> int | None:
        terms = [self._scaled(float(label), source) for label, source in edges]
        kept = [(factor, source) for factor, source in terms if not self.is_zero(source)]
        shapes = [("x", self.graph.nodes[source].shape) for _, source in kept]
        if not kept:
            return self.added("full", (), {"shape": list(node.shape), "value": node.attrs["constant"], "dtype": node.dtype})
        if len(kept) < len(terms) and broadcast({}, shapes) == node.shape:
            terms = kept
        if len(terms) == 1 and terms[0][0] == 1.0 and node.attrs["constant"] == 0.0:
            return terms[0][1]
        renewed = _in_order((repr(factor), source) for factor, source in terms)
        return self.kept(node, renewed)

    def _scaled(self, factor: float, source: int) -> tuple[float, int]:
        """A term that is itself one scaled term is taken through, where the product of the factors is exact."""
        node = self.graph.nodes[source]
        if node.op == "sum" and len(node.inputs) == 1 and node.attrs["constant"] == 0.0:
            ((label, inner),) = node.inputs
            if abs(factor) == 1.0 or abs(float(label)) == 1.0:
                return factor * float(label), inner
        return factor, source

    def _prod(self, node: Node, edges: Edges) -> int | None:
        return self.zeros(node) if any(self.is_zero(source) for _, source in edges) else None

    def _quotient(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if node.attrs["divisor"] == 1.0 else None

    def _detach(self, node: Node, edges: Edges) -> int | None:
        return None if self.trained[edges[0][1]] else edges[0][1]

    def _mode(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if edges[0][1] == edges[1][1] else None

    def _cast(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if self.graph.nodes[edges[0][1]].dtype == node.dtype else None

    def _matmul(self, node: Node, edges: Edges) -> int | None:
        """A factor of one of the matrices is one of the product."""
        for label, source in edges:
            inner = self.graph.nodes[source]
            scaled = inner.op == "sum" and len(inner.inputs) == 1 and inner.attrs["constant"] == 0.0
            if scaled or inner.op == "quotient":
                ((factor, whole),) = inner.inputs
                product = self.added("matmul", tuple((name, whole if name == label else s) for name, s in edges), {})
                return self.added(inner.op, ((factor, product),), inner.attrs)
        return None

    # recurrent layers begin with zeros unless told otherwise

    def _lstm(self, node: Node, edges: Edges) -> int | None:
        return self._from_zero(node, edges, ("h", "c"))

    def _gru(self, node: Node, edges: Edges) -> int | None:
        return self._from_zero(node, edges, ("h",))

    _rnn = _gru

    def _from_zero(self, node: Node, edges: Edges, states: tuple[str, ...]) -> int | None:
        given = [source for label, source in edges if label in states]
        if not given or not all(map(self.is_zero, given)):
            return None
        return self.kept(node, tuple((label, source) for label, source in edges if label not in states))

    def _drop_path(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if node.attrs["p"] == 0.0 or self.is_zero(edges[0][1]) else None

    # views and reductions

    def _reshape(self, node: Node, edges: Edges) -> int | None:
        source = edges[0][1]
        inner = self.graph.nodes[source]
        if inner.shape == node.shape:
            return source
        if inner.op == "reshape":
            return self.added("reshape", inner.inputs, node.attrs)
        return None

    def _permute(self, node: Node, edges: Edges) -> int | None:
        source, axes = edges[0][1], node.attrs["axes"]
        inner = self.graph.nodes[source]
        if axes == sorted(axes):
            return source
        if inner.op == "permute":
            return self.added("permute", inner.inputs, {"axes": [inner.attrs["axes"][axis] for axis in axes]})
        return None

    def _expand(self, node: Node, edges: Edges) -> int | None:
        source = edges[0][1]
        return source if self.graph.nodes[source].shape == node.shape else None

    def _slice(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if self.graph.nodes[edges[0][1]].shape == node.shape and node.attrs["step"] == 1 else None

    def _cat(self, node: Node, edges: Edges) -> int | None:
        ordered = [source for _, source in sorted(edges, key=lambda edge: int(edge[0]))]
        if all(self.is_zero(source) for source in ordered):
            return self.zeros(node)
        whole = self._put_together(node, ordered)
        if whole is not None:
            return whole
        opened: list[int] = []
        for source in ordered:
            inner = self.graph.nodes[source]
            if inner.op == "cat" and inner.attrs == node.attrs:
                opened += [part for _, part in sorted(inner.inputs, key=lambda edge: int(edge[0]))]
            else:
                opened.append(source)
        if len(opened) == len(ordered) or len(opened) > MAX_JOINED:
            return None
        return self.added("cat", tuple((str(i), source) for i, source in enumerate(opened)), node.attrs)

    def _put_together(self, node: Node, parts: list[int]) -> int | None:
        """What a recurrent layer gives, if these are all parts of it in their order."""
        slices = [self.graph.nodes[part] for part in parts]
        sources = {part.source("x") for part in slices if part.op == "slice" and part.attrs["axis"] == node.attrs["axis"]}
        if len(sources) != 1 or any(part.op != "slice" for part in slices):
            return None
        (source,) = sources
        at = 0
        for part in slices:
            if part.source("x") != source or part.attrs["step"] != 1 or part.attrs["start"] != at:
                return None
            at = part.attrs["stop"]
        whole = self.graph.nodes[source]
        return source if whole.op == "lstm" and whole.shape == node.shape else None

    def _pad(self, node: Node, edges: Edges) -> int | None:
        if not any(width for pair in node.attrs["widths"] for width in pair):
            return edges[0][1]
        return self.zeros(node) if self.is_zero(edges[0][1]) and node.attrs["value"] == 0.0 else None

    def _mean(self, node: Node, edges: Edges) -> int | None:
        shape = self.graph.nodes[edges[0][1]].shape
        if all(shape[axis] == 1 for axis in node.attrs["axes"]):
            return self.added("reshape", edges, {"shape": list(node.shape)})
        return None

    # pooling and dropout

    def _adaptive_avg_pool(self, node: Node, edges: Edges) -> int | None:
        size = self.graph.nodes[edges[0][1]].shape[2:]
        if size == node.shape[2:]:
            return edges[0][1]
        return self._global_mean(node, edges) if set(node.shape[2:]) == {1} else None

    def _adaptive_max_pool(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if self.graph.nodes[edges[0][1]].shape[2:] == node.shape[2:] else None

    def _avg_pool(self, node: Node, edges: Edges) -> int | None:
        attrs, size = node.attrs, self.graph.nodes[edges[0][1]].shape[2:]
        if attrs["divisor"] is not None or any(attrs["padding"]):
            return None
        if tuple(attrs["kernel"]) == size:
            return self._global_mean(node, edges)
        return edges[0][1] if _does_nothing(attrs) else None

    def _max_pool(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if _does_nothing(node.attrs) and not any(node.attrs["padding"]) else None

    def _global_mean(self, node: Node, edges: Edges) -> int:
        axes = list(range(2, len(node.shape)))
        return self.added("reshape", (("x", self.added("mean", edges, {"axes": axes})),), {"shape": list(node.shape)})

    def _dropout(self, node: Node, edges: Edges) -> int | None:
        plain = node.attrs["kind"] in ("element", "channel")
        return edges[0][1] if node.attrs["p"] == 0.0 or (plain and self.is_zero(edges[0][1])) else None

    def _hardtanh(self, node: Node, edges: Edges) -> int | None:
        return edges[0][1] if self.is_zero(edges[0][1]) and node.attrs["low"] <= 0 <= node.attrs["high"] else None


def _does_nothing(window: Json) -> bool:
    return set(window["kernel"]) == {1} and set(window["stride"]) == {1}
