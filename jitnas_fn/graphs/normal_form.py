"""The normal form: spellings of one computation become one graph. Every rule keeps the function and what is trained.

Rules never look at the order of nodes, so graphs that differ in it alone get isomorphic normal forms. They are applied until
none fires. Where a rule might change more than rounding, there is no rule: a false split costs time, a wrong merge the truth.
"""

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs import arithmetic_rules, layer_rules, view_rules
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.opening import opened
from jitnas_fn.graphs.rewriting import Rewriter, in_order

RULES = arithmetic_rules.RULES | layer_rules.RULES | view_rules.RULES
MAX_PASSES = 200


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
    rewriter, place = Rewriter(RULES), {}  # type: tuple[Rewriter, dict[int, int]]
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
        edges = in_order((label, place[source]) for label, source in node.inputs)
        nodes.append(Node(node.op, node.attrs, edges, node.shape, node.dtype, node.origin))
    return Graph(nodes, [place[i] for i in graph.outputs])
