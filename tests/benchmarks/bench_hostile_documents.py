"""Documents that may be hostile: each is refused with a typed error, soon and in little memory, or it is a network that runs.

Networks grown at random from the table of operations, and the frozen ones, are mutated in their structure and in their bytes.
What `Architecture.from_json` accepts must read back to the same fingerprint, and, where it is small, build and give the shape
it promises. A failure is made smaller before it is printed. The work is done in a child process of limited memory, which is
killed when it says nothing for two minutes.

Usage: bench_hostile_documents.py [--seconds N] [--seed N]
"""

import argparse
import contextlib
import copy
import json
import math
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from jitnas_fn.core.errors import DocumentError, JitnasError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.opset import OPERATIONS

ALLOWED = (
    "more than 1 value per channel",
    "not implemented for 'Half'",
    "not implemented for 'BFloat16'",
)  # the batch, the device
READ_SECONDS, RUN_SECONDS, SILENCE_SECONDS = 5.0, 20, 120
READ_BYTES, CHILD_BYTES = 600 * 2**20, 3 * 2**30  # more memory for reading one document; of the child's address space
SMALL_ELEMENTS, SMALL_MACS, SMALL_NODES = 1_000_000, 20_000_000, 400
Path_ = tuple[Any, ...]

# Growing valid networks of whatever the table holds.

SIZES = [[4], [6], [4, 6], [3, 8, 8], [4, 6, 6], [2, 4, 4, 4]]
VALUES: list[Any] = [
    *[0, 1, 2, 3, 4, -1, 0.5, 1.0, 1e-5, 0.0, 6.0, True, False, None],
    *[
        [0],
        [1],
        [2],
        [1, 1],
        [2, 2],
        [0, 0],
        [3, 3],
        [1, 2],
        [2, 3],
        [0, 2, 1],
        [0, 1, 3, 2],
        [-1, 4],
        [-1, 24],
        [4],
        [6],
        [6, 6],
    ],
    *[
        [[1, 1]],
        [[1, 1], [0, 2]],
        "none",
        "tanh",
        "element",
        "channel",
        "constant",
        "reflect",
        "nearest",
        "bilinear",
        "float32",
    ],
    *[[-1], [-1, 1], [-1, 4, 1, 1], [-1, 4, 6, 6], [1, 1, 1], [0, 0, 0], [-1, 3, 8, 8], [2, 2, 2], "int64", "float16", "bool"],
    *["eq", "lt", "uniform", "normal", "coins", "relu", "nearest-exact", "area", "linear", "bicubic", "trilinear"],
    *["AACAPwAAAEA=", "AACAPwAAgD8AAIA/AACAPw==", "AAAAAAAAAAABAAAAAAAAAA==", "AQAB"],  # constants of 2 to 4 numbers
]


def grown(draw: random.Random) -> Graph:
    """A small graph of random operations; those that do not fit are left out."""
    graph = Graph()
    for _ in range(draw.choice([1, 1, 2])):
        graph.input(draw.choice(SIZES), draw.choice(["float32", "float32", "float32", "int64"]))
    names = sorted(OPERATIONS)
    for _ in range(draw.randint(2, 25)):
        name = draw.choice(names)
        for _ in range(25):
            with contextlib.suppress(DocumentError):
                _add(draw, graph, name)
                break
    ends = [i for i, node in enumerate(graph.nodes) if node.shape[:1] == (-1,)]
    graph.outputs = [draw.choice(ends[-4:]) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    return graph


def _add(draw: random.Random, graph: Graph, name: str) -> None:
    values = [i for i, node in enumerate(graph.nodes) if node.op not in ("parameter", "buffer")]
    first = draw.choice(values[-6:] if draw.random() < 0.5 else values)
    graph.add(name, _inputs(draw, graph, name, first), _attrs(draw, name, len(graph.nodes[first].shape) - 2))


def _attrs(draw: random.Random, name: str, rank: int) -> dict[str, Any]:
    usual = [[0] * rank, [1] * rank, [1] * rank, [2] * rank, [3] * rank, 1, 1, True, False, None, 0.5, 1.0]
    found = {}
    for attr, check in OPERATIONS[name].attrs.items():
        for _ in range(40):
            value = draw.choice(usual if draw.random() < 0.7 else VALUES)
            with contextlib.suppress(DocumentError):
                found[attr] = check(value)
                break
    return found


def _inputs(draw: random.Random, graph: Graph, name: str, first: int) -> list[tuple[str, int]]:
    kind = OPERATIONS[name]
    if kind.many:
        labels = {"coefficients": ["1.0", "-0.5"], "multiset": ["x"], "ordered": ["0"]}[kind.many]
        named = [str(i) if kind.many == "ordered" else draw.choice(labels) for i in range(draw.randint(1, 4))]
        like = graph.nodes[first]
        alike = [i for i, node in enumerate(graph.nodes) if (node.shape, node.dtype) == (like.shape, like.dtype)]
        return [(label, draw.choice(alike)) for label in named]
    labels, gates = [*kind.slots, *(label for label in kind.optional if draw.random() < 0.3)], draw.choice([1, 3, 4])
    return [(label, first if i == 0 else _beside(draw, graph, first, gates)) for i, label in enumerate(labels)]


def _beside(draw: random.Random, graph: Graph, first: int, gates: int) -> int:
    """A value, or a new parameter or buffer, of a shape that may go with `first`."""
    shape = tuple(map(abs, graph.nodes[first].shape[1:])) or (1,)
    wide, tail = draw.choice([2, 4, 6]), len(shape) - 1
    choices = [
        *[shape[:1], shape[-1:], shape[:1], shape, (1,), (wide, shape[-1]), (shape[-1], wide), (shape[0], wide)],
        *[(wide, shape[0], *[draw.choice([1, 3])] * tail), (shape[0], wide, *[2] * tail), (shape[0], 1, *[3] * tail)],
        *[(2 * gates, shape[-1]), (2 * gates, 2), (2 * gates, 2), (2 * gates,)],
    ]
    kind = draw.random()
    if kind < 0.4:
        values = [i for i, node in enumerate(graph.nodes) if node.shape[:1] == (-1,)]
        alike = [i for i in values if graph.nodes[i].shape == graph.nodes[first].shape]
        return draw.choice(alike if alike and kind < 0.25 else values)
    if kind < 0.5:
        return graph.buffer(draw.choice(choices), {"const": 1.0})
    init = draw.choice(
        [{"const": 0.5}, {"uniform": [-1.0, 1.0]}, {"normal": [0.0, 0.1]}, {"trunc_normal": [0.0, 1.0, -2.0, 2.0]}]
    )
    return graph.parameter(draw.choice(choices), init, trainable=draw.random() < 0.9)


# Mutations.

ODD: list[Callable[[], Any]] = [
    *[
        lambda: None,
        lambda: True,
        lambda: 0,
        lambda: -1,
        lambda: -0.0,
        lambda: 1e308,
        lambda: 5e-324,
        lambda: 10**9,
        lambda: 10**400,
    ],
    *[lambda: 2**31, lambda: -(2**31), lambda: 2**63, lambda: "", lambda: "\ud800", lambda: "x0", lambda: "n0", lambda: "p0"],
    *[lambda: "b0", lambda: "n9999999", lambda: "1e-400", lambda: "nan", lambda: "inf", lambda: "-0.0", lambda: "x" * 10_000],
    *[list, dict, lambda: [[]], lambda: [-1], lambda: [-1, -1], lambda: [0], lambda: [10**9] * 8, lambda: [1] * 9],
    *[
        lambda: [0] * 20_000,
        lambda: json.loads("[" * 60 + "]" * 60),
        lambda: {"const": 0},
        lambda: {"like": "p0"},
        lambda: "after",
    ],
    *[lambda: {"trunc_normal": [0, 1, 5, 6]}, lambda: {"uniform": [1, 1]}, lambda: {"normal": [0, -1]}, lambda: {"rows": []}],
]
TOKENS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    '"op":"relu",',
    '"\\ud800"',
    "\x00",
    "[" * 2000,
    "9" * 5000,
    "-",
    ",",
    "{",
    "}",
    "1e400",
]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every value inside."""
    for name, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, name)
        yield from places(child, (*path, name))


def at(document: Any, path: Path_) -> Any:
    """The value at `path`."""
    for name in path:
        document = document[name]
    return document


def mutated(draw: random.Random, document: Any, other: Any) -> str:
    """JSON text near `document`."""
    document = copy.deepcopy(document)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        known = list(places(document))
        if known:
            _changed(draw, document, draw.choice(known), other)
    text = json.dumps(document)
    while draw.random() < 0.15:
        i, j = sorted(draw.randrange(len(text) + 1) for _ in range(2))
        token = draw.choice([*TOKENS, text[i : min(j, i + 200)], chr(draw.randrange(128))])
        text = text[:i] + token + text[draw.choice([i, i, min(j, i + 3), j if draw.random() < 0.1 else i]) :]
    return text


def _changed(draw: random.Random, document: Any, path: Path_, other: Any) -> None:
    holder, name = at(document, path[:-1]), path[-1]
    value, kind = holder[name], draw.random()
    if type(value) in (int, float) and kind < 0.5:
        holder[name] = draw.choice(
            [value + 1, value - 1, -value, value * 2, value * 10**9, value + 0.5 if abs(value) < 1e9 else 0.5, 1, 0]
        )
    elif isinstance(value, str) and kind < 0.5:
        texts = [v for v in (at(document, p) for p in places(document)) if isinstance(v, str)]
        holder[name] = draw.choice([*texts, *OPERATIONS])
    elif isinstance(value, list) and value and kind < 0.6:
        i, j = draw.randrange(len(value)), draw.randrange(len(value))
        draw.choice([lambda: value.pop(i), lambda: value.insert(j, copy.deepcopy(value[i])), lambda: value.reverse(),
                     lambda: value.extend(copy.deepcopy(value))])()  # fmt: skip
    elif kind < 0.7:
        with contextlib.suppress(KeyError, IndexError, TypeError):
            holder[name] = copy.deepcopy(at(other, path))
    elif kind < 0.75:
        del holder[name]
    else:
        holder[name] = draw.choice(ODD)()


# Named cases: large, degenerate, or made for the worst case of one part of the reader.


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


# What must hold.


class _TooLong(BaseException):
    pass


def _ring(number: int, frame: object) -> None:
    raise _TooLong


def outcome_of(text: str, *, run: bool = True) -> tuple[str, str]:
    """("refused", type), ("ran", ""), ("read", "") or ("FAILED", what is wrong)."""
    began, held = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        architecture = Architecture.from_json(text)
    except JitnasError as error:
        outcome = "refused", type(error).__name__
    except Exception as error:  # noqa: BLE001 (any other exception is what is looked for)
        return "FAILED", f"reading raised {_told(error)}"
    else:
        outcome = "read", ""
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) * (1 if sys.platform == "darwin" else 1024)
    if more > READ_BYTES:
        return "FAILED", f"reading took {more / 2**20:.0f} MiB"
    if time.process_time() - began > READ_SECONDS:
        return "FAILED", f"reading took {time.process_time() - began:.1f} s"
    return outcome if outcome[0] == "refused" else _as_promised(architecture, run=run)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:160]}"


def _as_promised(architecture: Architecture, *, run: bool) -> tuple[str, str]:
    try:
        again = Architecture.from_json(architecture.to_json())
        sizes = architecture.parameters, architecture.macs
    except Exception as error:  # noqa: BLE001
        return "FAILED", f"read, but reading it back or counting raised {_told(error)}"
    if (again.fingerprint, again.to_json()) != (architecture.fingerprint, architecture.to_json()):
        return "FAILED", "read, but its own text has another fingerprint"
    nodes = architecture.graph.nodes
    elements = sum(abs(math.prod(node.shape)) for node in nodes)
    if not run or elements > SMALL_ELEMENTS or sizes[1] > SMALL_MACS or len(nodes) > SMALL_NODES:
        return "read", ""
    for training in (False, True):
        wrong = _run(architecture, training=training)
        if wrong:
            return "FAILED", f"{'training' if training else 'evaluation'}: {wrong}"
    return "ran", ""


def _run(architecture: Architecture, *, training: bool) -> str:
    graph = architecture.graph
    try:
        model = architecture.build(0).train(training)
        given = [
            torch.zeros(2, *node.shape[1:], dtype=getattr(torch, node.dtype)) for node in graph.nodes if node.op == "input"
        ]
        found = model(*given)
    except JitnasError:
        return ""
    except Exception as error:  # noqa: BLE001
        return "" if any(text in str(error) for text in ALLOWED) else f"running raised {_told(error)}"
    values = [found] if isinstance(found, torch.Tensor) else list(found)
    promised = [[-2 * size if size < 0 else size for size in graph.nodes[i].shape] for i in graph.outputs]
    met = [list(value.shape) for value in values]
    dtypes = [str(value.dtype) == f"torch.{graph.nodes[i].dtype}" for value, i in zip(values, graph.outputs, strict=True)]
    return "" if met == promised and all(dtypes) else f"promised {promised}, gave {met}, {[v.dtype for v in values]}"


def guarded(text: str) -> tuple[str, str]:
    """`outcome_of`, given up after `RUN_SECONDS`."""
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(RUN_SECONDS)
    try:
        return outcome_of(text)
    except _TooLong:
        return "FAILED", f"no answer in {RUN_SECONDS} s"
    finally:
        signal.alarm(0)


def smaller(text: str, what: str, *, trials: int = 300) -> str:
    """A document that fails alike with as much taken out of it as a few hundred trials find."""
    try:
        document = json.loads(text)
        while trials > 0:
            for trial in _lesser(document):
                trials -= 1
                if _kind(guarded(json.dumps(trial))[1]) == _kind(what):
                    document = trial
                    break
                if trials <= 0:
                    break
            else:
                break
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text  # too broken to be made smaller
    return json.dumps(document)


def _lesser(document: Any) -> Iterator[Any]:
    """The document without one of its parts. What read a node reads that node's input instead."""
    for kind, letter in (("nodes", "n"), ("parameters", "p"), ("buffers", "b"), ("outputs", "")):
        for i in reversed(range(len(document[kind]))):
            trial = copy.deepcopy(document)
            gone = trial[kind].pop(i)
            renamed = {f"{letter}{k}": f"{letter}{k - 1}" for k in range(i + 1, len(document[kind]))} if letter else {}
            if kind == "nodes" and gone["inputs"]:
                renamed[f"n{i}"] = gone["inputs"][0][1]
            for edge in (edge for node in trial["nodes"] for edge in node["inputs"]):
                edge[1] = renamed.get(edge[1], edge[1])
            trial["outputs"] = [renamed.get(name, name) for name in trial["outputs"]]
            yield trial


# The child that tries, and the parent that watches it.


def seeds(draw: random.Random) -> list[Any]:
    """Valid documents: the frozen networks that are pictures, and grown ones."""
    from tests.golden.models import IMAGE, MODELS

    found = []
    for builder in MODELS.values():
        with contextlib.suppress(Exception):  # networks with other inputs
            found.append(Architecture.from_module(builder, input_shape=IMAGE, validate=False).document)
    while len(found) < len(MODELS) + 150:
        with contextlib.suppress(DocumentError):
            found.append(Architecture.from_graph(grown(draw)).document)
    return found


def child(seconds: float, seed: int, current: Path) -> None:
    """Try documents for so long; a line of JSON for each failure, now and then, and at the end."""
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    for name, made in NAMED.items():
        began, (outcome, what) = time.process_time(), guarded(made())
        print(json.dumps({"named": name, "outcome": outcome, "seconds": round(time.process_time() - began, 2)}), flush=True)
        if outcome == "FAILED":
            print(json.dumps({"what": f"{name}: {what}", "text": ""}), flush=True)
    draw = random.Random(seed)
    known, counts, ops, told, end = seeds(draw), Counter(), Counter(), Counter(), time.monotonic() + seconds
    spoken = time.monotonic()
    while time.monotonic() < end:
        fresh = draw.random() < 0.2
        try:
            text = (
                Architecture.from_graph(grown(draw)).to_json()
                if fresh
                else mutated(draw, draw.choice(known), draw.choice(known))
            )
        except JitnasError:
            continue
        except Exception as error:  # noqa: BLE001
            print(json.dumps({"what": f"making a document raised {_told(error)}", "text": ""}), flush=True)
            continue
        current.write_text(text, encoding="utf-8", errors="surrogatepass")
        outcome, what = guarded(text)
        if fresh and outcome == "refused":
            outcome, what = "FAILED", "its own document is refused"
        counts[outcome] += 1
        if fresh:
            ops.update({node["op"] for node in json.loads(text)["nodes"]})
        if outcome == "FAILED" and told[_kind(what)] < 3:
            told[_kind(what)] += 1
            print(json.dumps({"what": what, "text": smaller(text, what)}), flush=True)
        if time.monotonic() - spoken > 10:
            spoken = time.monotonic()
            print(json.dumps({"counts": counts, "ops": sorted(ops)}), flush=True)
    print(json.dumps({"counts": counts, "ops": sorted(ops)}), flush=True)


def _kind(what: str) -> str:
    """A failure without its numbers."""
    return re.sub(r"[^a-zA-Z_ ]", "", what)[:50]


def watched(seconds: float, seed: int, current: Path) -> Iterator[dict[str, Any]]:
    """What the child says; a failure if it dies or falls silent."""
    command = [sys.executable, __file__, "--child", str(current), "--seconds", str(seconds), "--seed", str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    watch = threading.Timer(SILENCE_SECONDS, process.kill)
    watch.start()
    for line in process.stdout:
        watch.cancel()
        watch = threading.Timer(SILENCE_SECONDS, process.kill)
        watch.start()
        yield json.loads(line)
    watch.cancel()
    if process.wait():
        text = current.read_text(encoding="utf-8", errors="surrogatepass") if current.exists() else ""
        yield {"what": f"the process ended with {process.returncode}", "text": text}


def main() -> int:
    """Print counts and failures; 1 if anything failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.child:
        child(given.seconds, given.seed, given.child)
        return 0
    total, ops, failures, end, seed = Counter(), set(), 0, time.monotonic() + given.seconds, given.seed
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end - 1:
            counts: Counter[str] = Counter()
            for said in watched(end - time.monotonic(), seed, Path(folder) / "current.json"):
                if "named" in said:
                    print(f"  {said['named']:36} {said['outcome']:8} {said['seconds']:6.2f} s", flush=True)
                elif "what" in said:
                    failures += 1
                    print(f"FAILED: {said['what']}\n  {said['text'][:3000]}", flush=True)
                else:
                    counts = Counter(said["counts"])
                    ops |= set(said["ops"])
            total, seed = total + counts, seed + 1000
    print(f"{total.total():,} documents in {given.seconds:.0f} s: {total['refused']:,} refused, {total['read']:,} read, "
          f"{total['ran']:,} read and run; {failures} failures")  # fmt: skip
    missing = sorted(set(OPERATIONS) - ops)
    print(f"{len(ops)} of {len(OPERATIONS)} operations in networks grown{': not ' + ', '.join(missing) if missing else ''}")
    return 1 if failures or not total["ran"] else 0


if __name__ == "__main__":
    sys.exit(main())
