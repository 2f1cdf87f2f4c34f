"""Rules of the normal form for views, joins and means."""

from jitnas_fn.graphs.graph import Node
from jitnas_fn.graphs.rewriting import Edges, Rewriter, Rule

MAX_JOINED = 512  # parts of a `cat` up to which those inside are opened


def _reshape(w: Rewriter, node: Node, edges: Edges) -> int | None:
    source = edges[0][1]
    inner = w.graph.nodes[source]
    if inner.shape == node.shape:
        return source
    if inner.op == "reshape":
        return w.added("reshape", inner.inputs, node.attrs)
    return None


def _permute(w: Rewriter, node: Node, edges: Edges) -> int | None:
    source, axes = edges[0][1], node.attrs["axes"]
    inner = w.graph.nodes[source]
    if axes == sorted(axes):
        return source
    if inner.op == "permute":
        return w.added("permute", inner.inputs, {"axes": [inner.attrs["axes"][axis] for axis in axes]})
    return None


def _expand(w: Rewriter, node: Node, edges: Edges) -> int | None:
    source = edges[0][1]
    return source if w.graph.nodes[source].shape == node.shape else None


def _slice(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if w.graph.nodes[edges[0][1]].shape == node.shape and node.attrs["step"] == 1 else None


def _cat(w: Rewriter, node: Node, edges: Edges) -> int | None:
    ordered = [source for _, source in sorted(edges, key=lambda edge: int(edge[0]))]
    if all(w.is_zero(source) for source in ordered):
        return w.zeros(node)
    whole = _put_together(w, node, ordered)
    if whole is not None:
        return whole
    opened: list[int] = []
    for source in ordered:
        inner = w.graph.nodes[source]
        if inner.op == "cat" and inner.attrs == node.attrs:
            opened += [part for _, part in sorted(inner.inputs, key=lambda edge: int(edge[0]))]
        else:
            opened.append(source)
    if len(opened) == len(ordered) or len(opened) > MAX_JOINED:
        return None
    return w.added("cat", tuple((str(i), source) for i, source in enumerate(opened)), node.attrs)


def _put_together(w: Rewriter, node: Node, parts: list[int]) -> int | None:
    """What a recurrent layer gives, if these are all parts of it in their order."""
    slices = [w.graph.nodes[part] for part in parts]
    sources = {part.source("x") for part in slices if part.op == "slice" and part.attrs["axis"] == node.attrs["axis"]}
    if len(sources) != 1 or any(part.op != "slice" for part in slices):
        return None
    (source,) = sources
    at = 0
    for part in slices:
        if part.source("x") != source or part.attrs["step"] != 1 or part.attrs["start"] != at:
            return None
        at = part.attrs["stop"]
    whole = w.graph.nodes[source]
    return source if whole.op == "lstm" and whole.shape == node.shape else None


def _pad(w: Rewriter, node: Node, edges: Edges) -> int | None:
    if not any(width for pair in node.attrs["widths"] for width in pair):
        return edges[0][1]
    return w.zeros(node) if w.is_zero(edges[0][1]) and node.attrs["value"] == 0.0 else None


def _mean(w: Rewriter, node: Node, edges: Edges) -> int | None:
    shape = w.graph.nodes[edges[0][1]].shape
    if all(shape[axis] == 1 for axis in node.attrs["axes"]):
        return w.added("reshape", edges, {"shape": list(node.shape)})
    return None


RULES: dict[str, Rule] = {
    "reshape": _reshape,
    "permute": _permute,
    "expand": _expand,
    "slice": _slice,
    "cat": _cat,
    "pad": _pad,
    "mean": _mean,
}
