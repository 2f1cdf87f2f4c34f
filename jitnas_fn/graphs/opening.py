"""Sums inside sums and products inside products, opened where nobody else reads them: then their order carries no meaning.

A sum that several nodes read stays closed. To open it would repeat its work for each reader, and make a deep residual network
quadratic in its depth.
"""

from collections.abc import Iterator

from jitnas_fn.graphs.graph import Graph, Node

MAX_TERMS = 512  # up to which a sum or product is opened; beyond, its inner ones stay closed


def opened(graph: Graph) -> Graph:
    """`graph` with such sums and products opened; dead nodes remain."""
    hoisted = _hoisted(graph)
    tree = _Trees(hoisted)
    result, place = Graph(), {}  # type: tuple[Graph, dict[int, int]]
    for i, node in enumerate(hoisted.nodes):
        if i in tree.absorbed:
            continue
        edges = tree.leaves(i) if node.op in ("sum", "prod") else node.inputs
        moved = tuple(sorted((label, place[source]) for label, source in edges))
        result.nodes.append(Node(node.op, node.attrs, moved, node.shape, node.dtype, node.origin))
        place[i] = len(result.nodes) - 1
    result.outputs = [place[i] for i in hoisted.outputs]
    return result


class _Trees:
    """Which sums and products are absorbed by the one node that reads them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = _readers(graph)
        terms = [1] * len(graph.nodes)
        self.absorbed: set[int] = set()
        for i, node in enumerate(graph.nodes):
            if node.op in ("sum", "prod"):
                inner = [(source, self._fits(i, label, source)) for label, source in node.inputs]
                terms[i] = sum(terms[source] if fits else 1 for source, fits in inner)
                if terms[i] <= MAX_TERMS:
                    self.absorbed |= {source for source, fits in inner if fits}

    def _fits(self, reader: int, label: str, source: int) -> bool:
        node, inner = self.graph.nodes[reader], self.graph.nodes[source]
        alike = (inner.op, inner.shape, inner.dtype) == (node.op, node.shape, node.dtype)
        if not alike or self.readers[source] != {reader}:
            return False
        return node.op == "prod" or (abs(float(label)) == 1.0 and inner.attrs["constant"] == 0.0)

    def leaves(self, root: int) -> Iterator[tuple[str, int]]:
        """The terms of a node, those of absorbed ones in their place."""
        todo = list(self.graph.nodes[root].inputs)
        while todo:
            label, source = todo.pop()
            if source not in self.absorbed:
                yield label, source
            elif self.graph.nodes[source].op == "prod":
                todo += self.graph.nodes[source].inputs
            else:
                todo += [(repr(float(label) * float(factor)), term) for factor, term in self.graph.nodes[source].inputs]


def _readers(graph: Graph) -> list[set[int]]:
    """For each node those that read it; an output counts as a reader of its own."""
    readers: list[set[int]] = [set() for _ in graph.nodes]
    for i, node in enumerate(graph.nodes):
        for _, source in node.inputs:
            readers[source].add(i)
    for source in graph.outputs:
        readers[source].add(-1)
    return readers


def _hoisted(graph: Graph) -> Graph:
    """Constants moved outwards: a sum without one takes that of the only inner sum that has one."""
    readers, nodes = _readers(graph), list(graph.nodes)
    for i, node in enumerate(graph.nodes):
        if node.op != "sum" or nodes[i].attrs["constant"] != 0.0:
            continue
        inner = [(label, s) for label, s in node.inputs if nodes[s].op == "sum" and nodes[s].attrs["constant"] != 0.0]
        if len(inner) != 1:
            continue
        ((label, s),) = inner
        if readers[s] == {i} and abs(float(label)) == 1.0 and (nodes[s].shape, nodes[s].dtype) == (node.shape, node.dtype):
            nodes[i] = _with_constant(nodes[i], float(label) * nodes[s].attrs["constant"])
            nodes[s] = _with_constant(nodes[s], 0.0)
    return Graph(nodes, list(graph.outputs))


def _with_constant(node: Node, constant: float) -> Node:
    return Node(node.op, {"constant": constant}, node.inputs, node.shape, node.dtype, node.origin)
