"""The canonical document of a graph, and a graph from a document that may be hostile.

The page "Formats" in CONTRIBUTING.md describes the document for an implementation in another language.
"""

import heapq
from typing import Any

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.canonical import canonical_order
from jitnas_fn.graphs.colouring import Wiring
from jitnas_fn.graphs.dtypes import FLOATS
from jitnas_fn.graphs.graph import MAX_NODES, Graph, Node
from jitnas_fn.graphs.normal_form import normal_form
from jitnas_fn.graphs.operations import LEAVES
from jitnas_fn.graphs.opset import OPSET, operation

LETTER = {"input": "x", "parameter": "p", "buffer": "b"}
MAX_ENDS = 64  # inputs, and outputs
KEYS = {"opset", "inputs", "outputs", "nodes", "parameters", "buffers"}


def document_of(graph: Graph) -> tuple[Json, dict[int, str]]:
    """The document of `graph`: normal form, canonical order, names by number.

    Isomorphic normal forms give equal documents; different ones give different documents, whatever happens. Where the work
    bound of the labelling is met, the document says `"labelling": "partial"`: isomorphic graphs may then differ.

    Returns
    -------
    (Json, dict[int, str])
        The document, and for the index in `graph` of each node that is in the document the name it has there.
    """
    stamped = [node._replace(origin=i) for i, node in enumerate(graph.nodes)]
    simple = _without_lone_starts(normal_form(Graph(stamped, list(graph.outputs))))
    edges = [(label, source, i) for i, node in enumerate(simple.nodes) for label, source in node.inputs]
    edges += [(str(i), source, len(simple.nodes)) for i, source in enumerate(simple.outputs)]
    order, exact = canonical_order(Wiring([*(node.label for node in simple.nodes), "outputs"], edges))
    rank = {vertex: i for i, vertex in enumerate(order)}
    names = _names(simple, rank)
    document = _written(simple, names)
    named = {node.origin: names[i] for i, node in enumerate(simple.nodes) if i in names and node.origin >= 0}
    return (document if exact else {**document, "labelling": "partial"}), named


def _without_lone_starts(graph: Graph) -> Graph:
    """`graph` with every start that a single parameter reads as that parameter's own initialisation."""
    readers: dict[int, list[int]] = {}
    for i, node in enumerate(graph.nodes):
        if node.op == "parameter" and node.inputs:
            readers.setdefault(node.source("start"), []).append(i)
    lone = {start: own[0] for start, own in readers.items() if len(own) == 1}
    if not lone:
        return graph
    nodes = list(graph.nodes)
    for start, i in lone.items():
        nodes[i] = nodes[i]._replace(attrs={**nodes[start].attrs, **nodes[i].attrs}, inputs=())
    return normal_form(Graph(nodes, list(graph.outputs)))


def _names(graph: Graph, rank: dict[int, int]) -> dict[int, str]:
    """x0, x1, … by position; n0, n1, … in the topological order with the least ranks first; p0, … and b0, … by first use."""
    names = {i: f"x{node.attrs['position']}" for i, node in enumerate(graph.nodes) if node.op == "input"}
    waiting = {i: {s for _, s in node.inputs if graph.nodes[s].op not in LEAVES} for i, node in enumerate(graph.nodes)}
    readers: dict[int, list[int]] = {}
    for i, sources in waiting.items():
        for source in sources:
            readers.setdefault(source, []).append(i)
    ready = [(rank[i], i) for i, node in enumerate(graph.nodes) if node.op not in LEAVES and not waiting[i]]
    heapq.heapify(ready)
    counts = {"p": 0, "b": 0, "n": 0}
    while ready:
        _, i = heapq.heappop(ready)
        for _, _, source in sorted((label, rank[source], source) for label, source in graph.nodes[i].inputs):
            if source not in names:
                letter = LETTER[graph.nodes[source].op]
                names[source] = f"{letter}{counts[letter]}"
                counts[letter] += 1
        names[i] = f"n{counts['n']}"
        counts["n"] += 1
        for reader in readers.get(i, ()):
            waiting[reader].discard(i)
            if not waiting[reader]:
                heapq.heappush(ready, (rank[reader], reader))
    for i in graph.outputs:  # a parameter that nothing reads
        if i not in names:
            letter = LETTER[graph.nodes[i].op]
            names[i] = f"{letter}{counts[letter]}"
            counts[letter] += 1
    return names


def _written(graph: Graph, names: dict[int, str]) -> Json:
    by_name = sorted(names, key=lambda i: _sortable(names[i]))
    listed: dict[str, list[Json]] = {"x": [], "p": [], "b": [], "n": []}
    first: dict[int, str] = {}  # start -> the parameter that has its initialisation; the others are like it
    for i in by_name:
        node, letter = graph.nodes[i], names[i][0]
        if letter == "n":
            inputs = sorted(([label, names[s]] for label, s in node.inputs), key=lambda edge: (edge[0], _sortable(edge[1])))
            listed["n"].append({"op": node.op, "attrs": _own(node.attrs), "inputs": inputs})
        elif letter == "x":
            listed["x"].append({"name": names[i], "shape": list(node.shape[1:]), "dtype": node.dtype})
        else:
            attrs = _own(node.attrs)
            if node.op == "parameter" and node.inputs:
                start = node.source("start")
                attrs["init"] = {"like": first[start]} if start in first else _own(graph.nodes[start].attrs["init"])
                first.setdefault(start, names[i])
            listed[letter].append({"shape": list(node.shape), "dtype": node.dtype, **attrs})
    return {
        "opset": max(map(_opset_of, graph.nodes)),
        "inputs": listed["x"],
        "outputs": [names[i] for i in graph.outputs],
        "nodes": listed["n"],
        "parameters": listed["p"],
        "buffers": listed["b"],
    }


def _opset_of(node: Node) -> int:
    """The first opset that has the node as it is."""
    if node.op in LEAVES:
        return 2 if node.op == "start" or "rows" in node.attrs.get("init", ()) else 1
    return max(operation(node.op).opset, 1 if node.dtype in FLOATS else 2)


def _own(value: Any) -> Any:
    """A copy of a JSON value, so that whoever changes a document changes no graph."""
    if isinstance(value, dict):
        return {name: _own(item) for name, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value


def _sortable(name: str) -> tuple[str, int]:
    return name[0], int(name[1:])


def graph_of(document: Json) -> Graph:
    """The graph that a document describes. Nothing is built or executed; sizes and counts are bounded first.

    Raises
    ------
    DocumentError
        If anything is missing, unknown, out of bounds, or does not fit.
    """
    version = document.get("opset")
    if type(version) is not int or version < 1:
        raise DocumentError(f"a document has an opset, not {str(version)[:40]!r}")
    if version > OPSET:
        raise DocumentError(f"this document needs opset {version}; this jitnas_fn knows up to {OPSET}: please upgrade")
    if set(document) - {"labelling"} != KEYS or document.get("labelling", "partial") != "partial":
        raise DocumentError(f"a document has {', '.join(sorted(KEYS))}, not {str(sorted(document))[:120]}")
    lists = {name: _list(document[name], name) for name in KEYS - {"opset"}}
    if sum(map(len, lists.values())) > MAX_NODES:
        raise DocumentError(f"more than {MAX_NODES:,} nodes")
    graph, names = Graph(), {}  # type: tuple[Graph, dict[str, int]]
    _read_leaves(lists, graph, names)
    for i, item in enumerate(lists["nodes"]):
        fields = _fields(item, "op", "attrs", "inputs")
        if not isinstance(fields["attrs"], dict):
            raise DocumentError("attrs is a JSON object")
        edges = [_edge(edge, names) for edge in _list(fields["inputs"], "inputs")]
        names[f"n{i}"] = graph.add(fields["op"], edges, fields["attrs"])
    graph.outputs = [_known(name, names) for name in lists["outputs"]]
    for name, count in (("inputs", len(lists["inputs"])), ("outputs", len(graph.outputs))):
        if not 1 <= count <= MAX_ENDS:
            raise DocumentError(f"a document has 1 to {MAX_ENDS} {name}, not {count}")
    if any(graph.nodes[i].shape[:1] != (-1,) for i in graph.outputs):
        raise DocumentError("every output has the batch as its first axis")
    _check_statistics(graph)
    return graph


def _check_statistics(graph: Graph) -> None:
    """What a batch-norm writes in training, nothing else reads there: its gradient would be that of other numbers."""
    keeping = [node for node in graph.nodes if node.op == "running_batch_norm"]
    kept = {node.source(label) for node in keeping for label in ("mean", "variance")}
    for i in graph.live_in(training=True) if kept else ():
        node = graph.nodes[i]
        if node.op != "running_batch_norm" and kept & {source for _, source in node.inputs}:
            raise DocumentError(f"{node.op} reads a statistic in training that a batch_norm keeps there")


def _read_leaves(lists: dict[str, list[Json]], graph: Graph, names: dict[str, int]) -> None:
    for i, item in enumerate(lists["inputs"]):
        fields = _fields(item, "name", "shape", "dtype")
        if fields["name"] != f"x{i}":
            raise DocumentError(f"input {i} is called x{i}, not {str(fields['name'])[:40]!r}")
        names[f"x{i}"] = graph.input(_sizes(fields["shape"]), fields["dtype"])
    starts = {str(_like(item)): -1 for item in lists["parameters"] if _like(item) is not None}
    for i, item in enumerate(lists["parameters"]):
        fields = _fields(item, "shape", "dtype", "init", "trainable")
        if not isinstance(fields["trainable"], bool):
            raise DocumentError("trainable is true or false")
        shape, dtype, trainable, name = _sizes(fields["shape"]), fields["dtype"], fields["trainable"], f"p{i}"
        like = _like(item)
        if like is not None:
            names[name] = _copied(graph, like, starts, shape, dtype, trainable=trainable)
        elif name in starts:
            starts[name] = graph.start(shape, _random(fields["init"]), dtype=dtype)
            names[name] = graph.copy(starts[name], trainable=trainable)
        else:
            names[name] = graph.parameter(shape, fields["init"], dtype=dtype, trainable=trainable)
    for i, item in enumerate(lists["buffers"]):
        fields = _fields(item, "shape", "dtype", "init")
        names[f"b{i}"] = graph.buffer(_sizes(fields["shape"]), fields["init"], dtype=fields["dtype"])


def _like(item: object) -> object:
    """The name of the parameter that this one begins as a copy of; None if it has a beginning of its own."""
    init = item.get("init") if isinstance(item, dict) else None
    return init["like"] if isinstance(init, dict) and set(init) == {"like"} else None


def _random(init: object) -> Json:
    if not isinstance(init, dict) or set(init) & {"const", "rows"}:
        raise DocumentError("a parameter begins as a copy of one that is drawn at random as a whole")
    return init


def _copied(graph: Graph, like: object, starts: dict[str, int], shape: list[int], dtype: str, *, trainable: bool) -> int:
    start = starts.get(str(like), -1)
    if start < 0 or list(graph.nodes[start].shape) != shape or graph.nodes[start].dtype != dtype:
        raise DocumentError(f"no parameter of this shape before this one begins by itself and is called {str(like)[:40]!r}")
    return graph.copy(start, trainable=trainable)


def _list(value: object, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise DocumentError(f"{what} is a list, not {type(value).__name__}")
    return value


def _fields(item: object, *names: str) -> Json:
    if not isinstance(item, dict) or set(item) != set(names):
        raise DocumentError(f"expected {{{', '.join(names)}}}, not {str(item)[:120]}")
    return item


def _sizes(value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(size) is int and size > 0 for size in value):
        raise DocumentError(f"a shape is a list of sizes above 0, not {str(value)[:80]}")
    return value


def _edge(edge: object, names: dict[str, int]) -> tuple[str, int]:
    if not isinstance(edge, list) or len(edge) != 2 or not isinstance(edge[0], str):
        raise DocumentError(f"an input is [label, name], not {str(edge)[:80]}")
    return edge[0], _known(edge[1], names)


def _known(name: object, names: dict[str, int]) -> int:
    if not isinstance(name, str) or name not in names:
        raise DocumentError(f"nothing before this is called {str(name)[:40]!r}")
    return names[name]
