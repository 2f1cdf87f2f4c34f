"""Rules of the normal form for pooling, recurrent layers, dropout, and what says how gradients and modes go."""

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.graph import Node
from jitnas_fn.graphs.rewriting import Edges, Rewriter, Rule


def _lstm(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return _from_zero(w, node, edges, ("h", "c"))


def _gru(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return _from_zero(w, node, edges, ("h",))


_rnn = _gru


def _from_zero(w: Rewriter, node: Node, edges: Edges, states: tuple[str, ...]) -> int | None:
    given = [source for label, source in edges if label in states]
    if not given or not all(map(w.is_zero, given)):
        return None
    return w.kept(node, tuple((label, source) for label, source in edges if label not in states))


def _adaptive_avg_pool(w: Rewriter, node: Node, edges: Edges) -> int | None:
    size = w.graph.nodes[edges[0][1]].shape[2:]
    if size == node.shape[2:]:
        return edges[0][1]
    return _global_mean(w, node, edges) if set(node.shape[2:]) == {1} else None


def _adaptive_max_pool(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if w.graph.nodes[edges[0][1]].shape[2:] == node.shape[2:] else None


def _avg_pool(w: Rewriter, node: Node, edges: Edges) -> int | None:
    attrs, size = node.attrs, w.graph.nodes[edges[0][1]].shape[2:]
    if attrs["divisor"] is not None or any(attrs["padding"]):
        return None
    if tuple(attrs["kernel"]) == size:
        return _global_mean(w, node, edges)
    return edges[0][1] if _does_nothing(attrs) else None


def _max_pool(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if _does_nothing(node.attrs) and not any(node.attrs["padding"]) else None


def _global_mean(w: Rewriter, node: Node, edges: Edges) -> int:
    axes = list(range(2, len(node.shape)))
    return w.added("reshape", (("x", w.added("mean", edges, {"axes": axes})),), {"shape": list(node.shape)})


def _dropout(w: Rewriter, node: Node, edges: Edges) -> int | None:
    plain = node.attrs["kind"] in ("element", "channel")
    return edges[0][1] if node.attrs["p"] == 0.0 or (plain and w.is_zero(edges[0][1])) else None


def _drop_path(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if node.attrs["p"] == 0.0 or w.is_zero(edges[0][1]) else None


def _hardtanh(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if w.is_zero(edges[0][1]) and node.attrs["low"] <= 0 <= node.attrs["high"] else None


def _detach(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return None if w.trained[edges[0][1]] else edges[0][1]


def _mode(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if edges[0][1] == edges[1][1] else None


def _cast(w: Rewriter, node: Node, edges: Edges) -> int | None:
    return edges[0][1] if w.graph.nodes[edges[0][1]].dtype == node.dtype else None


def _does_nothing(window: Json) -> bool:
    return set(window["kernel"]) == {1} and set(window["stride"]) == {1}


RULES: dict[str, Rule] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn": _rnn,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "adaptive_max_pool": _adaptive_max_pool,
    "avg_pool": _avg_pool,
    "max_pool": _max_pool,
    "dropout": _dropout,
    "drop_path": _drop_path,
    "hardtanh": _hardtanh,
    "detach": _detach,
    "mode": _mode,
    "cast": _cast,
}
