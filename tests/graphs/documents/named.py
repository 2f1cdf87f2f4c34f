"""Documents that are large, degenerate, or made for the worst case of one part of the reader."""

import json
from collections.abc import Callable
from typing import Any


def _document(nodes: list[Any], *, shape: Any = (4,), parameters: Any = (), outputs: Any = None) -> str:
    taken = [{"name": "x0", "shape": list(shape), "dtype": "float32"}]
    ends = outputs or [f"n{len(nodes) - 1}"]
    text = {"opset": 1, "inputs": taken, "outputs": ends, "nodes": nodes, "parameters": list(parameters), "buffers": []}
    return json.dumps(text)


def _node(op: str, *sources: str, label: str = "x", **attrs: Any) -> dict[str, Any]:
    labels = [str(i) for i in range(len(sources))] if label == "0" else [label] * len(sources)
    return {"op": op, "attrs": attrs, "inputs": [list(edge) for edge in zip(labels, sources, strict=True)]}


def _drop(source: str) -> dict[str, Any]:
    return _node("dropout", source, p=0.5, kind="element")


def _total(*sources: str) -> dict[str, Any]:
    return _node("sum", *sources, label="1.0", constant=0.0)


def _zigzag(count: int) -> list[Any]:
    """A path that goes up and down: tops are sums of two dropouts that neighbours share."""
    lows = [_drop("x0") for _ in range(count)]
    highs = [_total(f"n{i}", f"n{i + 1}") for i in range(count - 1)]
    return [*lows, *highs, _total(*(f"n{i}" for i in range(count, 2 * count - 1)))]


def _tied_sums(count: int) -> list[Any]:
    """Two sums that read the same many equal dropouts, and one more each."""
    shared = [f"n{i}" for i in range(count)]
    ends = [_total(*shared, f"n{count}"), _total(*shared, f"n{count + 1}")]
    return [*[_drop("x0") for _ in range(count + 2)], *ends, _node("prod", f"n{count + 2}", f"n{count + 3}")]


def _rings(*sizes: int) -> list[Any]:
    """Rings of dropouts and the products of neighbours; colour refinement cannot tell their sizes."""
    nodes: list[Any] = [_drop("x0") for _ in range(sum(sizes))]
    start = 0
    for size in sizes:
        nodes += [_node("prod", f"n{start + i}", f"n{start + (i + 1) % size}") for i in range(size)]
        start += size
    return [*nodes, _total(*(f"n{start + i}" for i in range(start)))]


def _ladder(op: Callable[..., Any], count: int) -> list[Any]:
    """Every node reads the one before it twice: 2^count paths."""
    return [op(*(2 * [f"n{i - 1}" if i else "x0"])) for i in range(count)]


def _shaped(op: str, shape: list[int]) -> list[Any]:
    return [_node(op, "x0", shape=shape)]


NAMED: dict[str, Callable[[], str]] = {
    "a million nodes": lambda: _document([_node("relu", "x0")] * 1_000_000),
    "a chain as long as allowed": lambda: _document([_node("relu", f"n{i - 1}" if i else "x0") for i in range(19_998)]),
    "a chain of identities": lambda: _document(
        [_node("expand", f"n{i - 1}" if i else "x0", shape=[-1, 4]) for i in range(19_998)]
    ),
    "a chain of reshapes": lambda: _document(
        [_node("reshape", f"n{i - 1}" if i else "x0", shape=[-1, 4] if i % 2 else [-1, 2, 2]) for i in range(9_999)]
    ),
    "a chain of permutes": lambda: _document(
        [_node("permute", f"n{i - 1}" if i else "x0", axes=[0, 2, 1]) for i in range(9_999)], shape=(2, 2)
    ),
    "doubled sums": lambda: _document(_ladder(_total, 9_000)),
    "doubled products": lambda: _document(_ladder(lambda *two: _node("prod", *two), 9_000)),
    "doubled cats": lambda: _document(_ladder(lambda *two: _node("cat", *two, label="0", axis=1), 25)),
    "cats one in the other": lambda: _document(
        [_node("cat", f"n{i - 1}" if i else "x0", "x0", label="0", axis=1) for i in range(3_000)]
    ),
    "one sum of a hundred thousand": lambda: _document([_total(*["x0"] * 100_000)]),
    "the same sum a thousand times": lambda: _document([_total(*["x0"] * 100)] * 1_000),
    "nine thousand equal branches": lambda: _document(
        [*[_drop("x0") for _ in range(9_000)], _total(*(f"n{i}" for i in range(9_000)))]
    ),
    "equal branches in a row": lambda: _document(
        [
            node
            for k in range(600)
            for node in (
                *[_drop(f"n{9 * k - 1}" if k else "x0") for _ in range(8)],
                _total(*(f"n{9 * k + i}" for i in range(8))),
            )
        ]
    ),
    "two tied sums of thousands": lambda: _document(_tied_sums(6_000)),
    "a long zigzag": lambda: _document(_zigzag(4_000)),
    "rings": lambda: _document(_rings(*[3, 4, 5, 6] * 12)),
    "an expand of billions": lambda: _document(_shaped("expand", [2**20, -1, 4])),
    "an expand of half a billion": lambda: _document(_shaped("expand", [2**27, -1, 4]), outputs=["x0"]),
    "a reshape by zero": lambda: _document(_shaped("reshape", [-1, 0])),
    "a padding of billions": lambda: _document([_node("pad", "x0", mode="constant", widths=[[2**31, 2**31]], value=0.0)]),
    "an adaptive pool of billions": lambda: _document([_node("adaptive_avg_pool", "x0", size=[2**31, 2**31])], shape=(1, 2, 2)),
    "a full of billions": lambda: _document([_node("full", shape=[-1, 2**31], value=1.0, dtype="float32")]),
    "a parameter of half a billion": lambda: _document(
        [_node("relu", "p0")],
        outputs=["x0"],
        parameters=[{"shape": [2**29], "dtype": "float32", "init": {"normal": [0.0, 1.0]}, "trainable": True}],
    ),
    "ten thousand parameters": lambda: _document(
        [_total("x0", *(f"p{i}" for i in range(10_000)))],
        parameters=[{"shape": [4], "dtype": "float32", "init": {"normal": [0.0, 1.0]}, "trainable": True}] * 10_000,
    ),
    "a key twice": lambda: _document([_node("relu", "x0")]).replace('"op": "relu"', '"op": "exec", "op": "relu"'),
    "a surrogate for an operation": lambda: _document([_node("\ud800", "x0")]),
    "a surrogate for a label": lambda: _document([_node("relu", "x0", label="\udfff")]),
    "a surrogate in the text": lambda: '{"opset": "\ud800"}',
    "a coefficient of digits": lambda: _document([_node("sum", "x0", label="9" * 400 + ".0", constant=0.0)]),
    "a coefficient out of Unicode": lambda: _document([_node("sum", "x0", label="\u0661.0", constant=0.0)]),
    "an integer of thousands of digits": lambda: _document([_node("relu", "x0")]).replace("4", "9" * 4_000),
    "a constant no float holds": lambda: _document([_node("sum", "x0", label="1.0", constant=10**400)]),
    "a thousandfold batch": lambda: _document(_shaped("reshape", [-4]), outputs=["n0"]),
    "names of another script": lambda: _document([_node("relu", "x\u0660")]),
    "labels of four million characters": lambda: _document([_node("relu", "x0", label="x" * 4_000_000)]),
    "four million empty lists": lambda: '{"nodes":[' + "[]," * 2_600_000 + "[]]}",
}
