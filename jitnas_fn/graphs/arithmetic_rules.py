"""Rules of the normal form for sums, products and quotients."""

from jitnas_fn.graphs.graph import Node
from jitnas_fn.graphs.rewriting import Edges, Rewriter, Rule, in_order
from jitnas_fn.graphs.shapes import broadcast


def _sum(w: Rewriter, node: Node, edges: Edges) -> int | None:
    terms = [_scaled(w, float(label), source) for label, source in edges]
    kept = [(factor, source) for factor, source in terms if not w.is_zero(source)]
    shapes = [("x", w.graph.nodes[source].shape) for _, source in kept]
    if not kept:
        return w.added("full", (), {"shape": list(node.shape), "value": node.attrs["constant"], "dtype": node.dtype})
    if len(kept) < len(terms) and broadcast({}, shapes) == node.shape:
        terms = kept
    if len(terms) == 1 and terms[0][0] == 1.0 and node.attrs["constant"] == 0.0:
        return terms[0][1]
    renewed = in_order((repr(factor), source) for factor, source in terms)
    return w.kept(node, renewed)


def _scaled(w: Rewriter, factor: float, source: int) -> tuple[float, int]:
    """A term that is itself one scaled term is taken through, where the product of the factors is exact."""
    node = w.graph.nodes[source]
    if node.op == "sum" and len(node.inputs) == 1 and node.attrs["constant"] == 0.0:
        ((label, inner),) = node.inputs
        if abs(factor) == 1.0 or abs(float(label)) == 1.0:
            return factor * float(label), inner
    return factor, source


def _prod(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return w.zeros(node) if any(w.is_zero(source) for _, source in edges) else None


def _quotient(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if node.attrs["divisor"] == 1.0 else None


def _matmul(w: Rewriter, node: Node, edges: Edges) -> int | None:
    """A factor of one of the matrices is one of the product; in float16 the product might overflow first."""
    if node.dtype == "float16":
        return None
    for label, source in edges:
        inner = w.graph.nodes[source]
        scaled = inner.op == "sum" and len(inner.inputs) == 1 and inner.attrs["constant"] == 0.0
        if scaled or inner.op == "quotient":
            ((factor, whole),) = inner.inputs
            product = w.added("matmul", tuple((name, whole if name == label else s) for name, s in edges), {})
            return w.added(inner.op, ((factor, product),), inner.attrs)
    return None


RULES: dict[str, Rule] = {
    "sum": _sum,
    "prod": _prod,
    "quotient": _quotient,
    "matmul": _matmul,
}
