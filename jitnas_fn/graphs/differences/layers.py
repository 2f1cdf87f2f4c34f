"""A graph as a reader sees it: its operations in order of depth, each with its parameters and those it reads from."""

from collections import Counter
from collections.abc import Mapping

from jitnas_fn.core.codec import canonical
from jitnas_fn.graphs.differences.wording import name_of
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.operations import LEAVES

Edges = list[tuple[str, int]]


class Layers:
    """The operations of a graph, called layers here, without the parameters and buffers, which hang on them.

    Parameters
    ----------
    graph
        Of L operations.

    Attributes
    ----------
    order
        Indices of the L operations, those of least depth first. The depth is the longest way from a node that reads nothing.
    vertices
        The inputs, then `order`.
    sources, leaves
        Of each operation, the operations and inputs that it reads, and the parameters and buffers: (label, index).
    readers
        Of each input and operation, the operations that read it: (label, index).
    uses
        How many times each parameter and buffer is read.
    names, ordinals
        What each operation is called, and the how many-th of that name it is, from 1.
    counts
        Number of operations of each name.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sources: dict[int, Edges] = {}
        self.leaves: dict[int, Edges] = {}
        self.readers: dict[int, Edges] = {}
        self.uses: Counter[int] = Counter()
        depth: dict[int, int] = {}
        for i, node in enumerate(graph.nodes):
            if not is_parameter(node):
                self.readers[i] = []
            if node.op in LEAVES:
                continue
            self.sources[i] = [(label, source) for label, source in node.inputs if source in self.readers]
            self.leaves[i] = [(label, source) for label, source in node.inputs if source not in self.readers]
            self.uses.update(source for _, source in self.leaves[i])
            for label, source in self.sources[i]:
                self.readers[source].append((label, i))
            depth[i] = 1 + max((depth.get(source, 0) for _, source in self.sources[i]), default=0)
        self.order = sorted(self.sources, key=lambda i: (depth[i], i))
        self.vertices = [i for i, node in enumerate(graph.nodes) if node.op == "input"] + self.order
        self.names = {i: name_of(self.node(i), self.shapes(i)) for i in self.order}
        self.counts: Counter[str] = Counter()
        self.ordinals: dict[int, int] = {}
        for i in self.order:
            self.counts[self.names[i]] += 1
            self.ordinals[i] = self.counts[self.names[i]]

    def node(self, index: int) -> Node:
        """The node at `index`."""
        return self.graph.nodes[index]

    def shapes(self, index: int) -> Mapping[str, tuple[int, ...]]:
        """Shape of what comes into an operation under each label."""
        return {label: self.node(source).shape for label, source in self.node(index).inputs}

    def described(self, index: int) -> str:
        """All that an operation is apart from its place: its attributes, parameters and their initialisation."""
        leaves = sorted((label, self.node(leaf).label, self.uses[leaf]) for label, leaf in self.leaves[index])
        return canonical([self.node(index).op, self.node(index).attrs, leaves])


def is_parameter(node: Node) -> bool:
    """Whether the node hangs on an operation: a parameter, a buffer, a constant; not an input."""
    return node.op in LEAVES and node.op != "input"
