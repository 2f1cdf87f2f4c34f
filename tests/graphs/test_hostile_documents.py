"""Hostile documents, some seconds of what `bench_hostile_documents` does for minutes: typed errors, or networks that run."""

import base64
import copy
import json
import random
import struct

import pytest

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.opset import OPERATIONS
from tests.graphs.documents.growing import grown
from tests.graphs.documents.mutating import mutated
from tests.graphs.documents.named import NAMED
from tests.graphs.documents.promises import outcome_of

SLOW = {  # seconds each; they are in the benchmark
    *["a chain as long as allowed", "doubled sums", "doubled products", "cats one in the other", "rings", "a long zigzag"],
    *["one sum of a hundred thousand", "nine thousand equal branches", "equal branches in a row", "two tied sums of thousands"],
    *["ten thousand parameters", "four million empty lists", "a million nodes"],
}


@pytest.mark.parametrize("name", sorted(set(NAMED) - SLOW))
def test_what_is_large_or_degenerate_is_refused_or_runs_soon(name):
    outcome, what = outcome_of(NAMED[name]())
    assert outcome != "FAILED", what


@pytest.mark.parametrize(
    "name",
    [
        *[
            "a million nodes",
            "an expand of billions",
            "a padding of billions",
            "an adaptive pool of billions",
            "a full of billions",
        ],
        *["a surrogate for an operation", "a surrogate for a label", "an integer of thousands of digits"],
        *["a constant no float holds", "names of another script", "a coefficient out of Unicode", "a reshape by zero"],
    ],
)
def test_what_claims_too_much_or_is_no_name_is_refused(name):
    with pytest.raises(DocumentError):
        Architecture.from_json(NAMED[name]())


def some_documents(draw, count):
    found = []
    while len(found) < count:
        try:
            found.append(Architecture.from_graph(grown(draw)).document)
        except DocumentError:
            continue
    return found


def test_mutated_documents_are_refused_or_read_back_to_the_same_fingerprint():
    draw = random.Random(11)
    known = some_documents(draw, 40)
    met = {"refused": 0, "read": 0}
    for _ in range(400):
        text = mutated(draw, draw.choice(known), draw.choice(known))
        outcome, what = outcome_of(text, run=False)
        assert outcome != "FAILED", f"{what}: {text[:2000]}"
        met[outcome] += 1
    assert min(met.values()) > 50


def test_networks_of_random_operations_read_back_to_the_same_fingerprint_and_use_most_of_the_table():
    draw = random.Random(12)
    met = set()
    for document in some_documents(draw, 250):
        outcome, what = outcome_of(json.dumps(document), run=False)
        assert outcome == "read", f"{what}: {document}"
        met |= {node["op"] for node in document["nodes"]}
    assert len(met) > 0.7 * len(OPERATIONS)


def read(nodes, shape, *, parameters=(), buffers=(), dtype="float32"):
    """A document of one input."""
    taken = [{"name": "x0", "shape": shape, "dtype": dtype}]
    lists = {"parameters": list(parameters), "buffers": list(buffers)}
    return {"opset": 2, "inputs": taken, "outputs": [f"n{len(nodes) - 1}"], "nodes": nodes, **lists}


def one(op, shape, *, dtype="float32", label="x", beside=(), parameters=(), buffers=(), **attrs):
    """A document of one operation."""
    node = {"op": op, "attrs": attrs, "inputs": [[label, "x0"], *map(list, beside)]}
    return read([node], shape, parameters=parameters, buffers=buffers, dtype=dtype)


def parameter(shape, *, init=None, dtype="float32", trainable=True):
    return {"shape": shape, "dtype": dtype, "init": init or {"const": 1.0}, "trainable": trainable}


def buffer(shape, *, init=None, dtype="float32"):
    return {"shape": shape, "dtype": dtype, "init": init or {"const": 1.0}}


def looked_up(numbers, *, axis=0, rows=4):
    """Entries of a table by a constant index."""
    content = base64.b64encode(struct.pack(f"<{len(numbers)}q", *numbers)).decode("ascii")
    index = {"op": "constant", "attrs": {"shape": [len(numbers)], "dtype": "int64", "content": content}, "inputs": []}
    take = {"op": "take", "attrs": {"axis": axis, "padding": None}, "inputs": [["x", "p0"], ["index", "n0"]]}
    both = {"op": "sum", "attrs": {"constant": 0.0}, "inputs": [["1.0", "n1"], ["1.0", "x0"]]}
    return read([index, take, both], [len(numbers), 3], parameters=[parameter([rows, 3] if axis == 0 else [1, rows, 3])])


def kept(*calls):
    """Batch-norms on x0 one by one, each (mean, variance, after or None), and their sum."""
    nodes = []
    for mean, variance, after in calls:
        inputs = [["x", "x0"], ["mean", mean], ["variance", variance], *([["after", after]] if after else [])]
        nodes.append({"op": "running_batch_norm", "attrs": {"eps": 1e-5, "momentum": 0.1}, "inputs": inputs})
    total = [["1.0", f"n{i}"] for i in range(len(nodes))]
    nodes.append({"op": "sum", "attrs": {"constant": 0.0}, "inputs": total})
    return read(nodes, [4], buffers=[buffer([4]) for _ in range(3)])


def frozen(statistic, **lists):
    return one("frozen_batch_norm", [4], beside=[("mean", statistic), ("variance", statistic)], eps=1e-5, **lists)


RESPONSE = {"alpha": 1.0, "beta": 1.0, "k": 1.0}
POOL = {"ceil_mode": True, "count_include_pad": False, "divisor": None}
RESIZED = {"mode": "bilinear", "align_corners": False, "antialias": False}
CONV = {"padding": [0], "dilation": [1], "groups": 1}

REFUSED = [
    one("local_response_norm", [4], size=1, **RESPONSE),
    one("local_response_norm", [4, 6], size=0, **RESPONSE),
    one("local_response_norm", [4, 6], size=10**9, **RESPONSE),
    one("hardtanh", [4], low=0.5, high=0.0),
    one("celu", [4], alpha=0.0),
    one("softshrink", [4], lambd=-1.0),
    one("clamp", [4], low=None, high=None),
    one("batch_norm", [4], eps=0.0),
    one("batch_norm", [4], eps=-1.0),
    one("instance_norm", [4, 1, 1], eps=0.5),
    one("frozen_batch_norm", [4], beside=[("mean", "b0"), ("variance", "b0")], buffers=[buffer([4])], eps=-1.0),
    frozen("p0", parameters=[parameter([4])]),
    one("group_norm", [4], beside=[("bias", "p0")], parameters=[parameter([4])], groups=2, eps=1e-5),
    one("avg_pool", [4, 1, 1, 1], kernel=[3, 3, 3], stride=[2, 2, 2], padding=[1, 1, 1], **POOL),
    one("avg_pool", [4, 4, 4], kernel=[2, 2], stride=[2, 2], padding=[0, 0], **{**POOL, "divisor": 0}),
    one("avg_pool", [4, 4], kernel=[2], stride=[2], padding=[0], **{**POOL, "divisor": 2}),
    one("avg_pool", [4, 4], kernel=[2], stride=[2**31], padding=[0], **POOL),
    one("max_pool", [4, 1], kernel=[2], stride=[1], padding=[1], dilation=[2], ceil_mode=False),
    one("conv", [1, 4], beside=[("weight", "p0")], parameters=[parameter([1, 1, 2])], stride=[2**15], **CONV),
    one(
        "conv_transpose",
        [1, 1],
        beside=[("weight", "p0")],
        parameters=[parameter([1, 1, 2])],
        stride=[2**11],
        output_padding=[0],
        **CONV,
    ),
    one("pad", [4, 4, 4], mode="reflect", widths=[[1, 1]], value=0.0),
    one("pad", [4, 4, 4], mode="circular", widths=[[1, 1]], value=0.0),
    one("dropout", [4], p=0.5, kind="channel"),
    one("interpolate", [3, 8, 8], size=[1, 1], scales=[2.0, 2.0], **RESIZED),
    one("interpolate", [3, 8, 8], size=[16, 16], scales=[2.0, 2.0], **RESIZED),
    one("interpolate", [3, 8, 8], size=[12, 12], scales=[1.55, 1.55], **{**RESIZED, "align_corners": True}),
    one("interpolate", [3, 8, 8], size=[12, 12], scales=[1.55, 1.55], **{**RESIZED, "mode": "area"}),
    one("interpolate", [3, 8, 8], size=[8, 8], scales=[1e9, 1.0], **RESIZED),
    one("threshold", [4], dtype="float16", threshold=0.0, value=1e5),
    one("clamp", [4], dtype="float16", low=None, high=1e5),
    one("power", [4], dtype="float16", exponent=1e5),
    one("sum", [4], dtype="float16", label="100000.0", constant=0.0),
    read([{"op": "full", "attrs": {"shape": [-1, 4], "value": 1e5, "dtype": "float16"}, "inputs": []}], [4]),
    one("relu", [4], parameters=[parameter([4], dtype="int64")]),
    looked_up([0, 4]),
    looked_up([-1, 1]),
    looked_up([0, 4], axis=1),
    looked_up([0, -5], axis=1),
    kept(("b0", "b0", None)),
    kept(("b0", "b1", None), ("b0", "b1", None)),
    kept(("b0", "b1", None), ("b0", "b2", "n0")),
    kept(("b0", "b1", None), ("b0", "b1", "n0"), ("b0", "b1", "n0")),
    kept(("b0", "b1", "x0")),
]


def named(document):
    """What a document has in it, for the list of tests."""
    return " ".join(f"{node['op']} {node['attrs']}" for node in document["nodes"])[:60]


@pytest.mark.parametrize("document", REFUSED, ids=named)
def test_what_torch_does_not_run_as_promised_is_refused(document):
    outcome, what = outcome_of(json.dumps(copy.deepcopy(document)))
    assert outcome == "refused", what


@pytest.mark.parametrize(
    "document",
    [
        one("local_response_norm", [4, 6], size=5, **RESPONSE),
        one("hardtanh", [4], low=0.5, high=0.5),
        one("clamp", [4], low=1.0, high=0.0),
        one("instance_norm", [4, 1, 2], eps=0.5),
        one("avg_pool", [4, 3, 3, 3], kernel=[3, 3, 3], stride=[2, 2, 2], padding=[1, 1, 1], **POOL),
        one("pad", [4, 4, 4], mode="reflect", widths=[[1, 1], [0, 2]], value=0.0),
        one("interpolate", [3, 8, 8], size=[16, 16], scales=None, **RESIZED),
        one("interpolate", [3, 8, 8], size=[12, 12], scales=[1.55, 1.55], **RESIZED),
        frozen("b0", buffers=[buffer([4])]),
        frozen("p0", parameters=[parameter([4], trainable=False)]),
        looked_up([0, 3]),
        looked_up([-4, 3], axis=1),
        kept(("b0", "b1", None)),
        kept(("b0", "b1", None), ("b0", "b1", "n0"), ("b0", "b1", "n1")),
        kept(("b0", "b1", None), ("b2", "b3", None)) | {"buffers": [buffer([4]) for _ in range(4)]},
        one("sum", [4], dtype="float16", label="65504.0", constant=0.0),
        one("hardtanh", [4], low=-3e38, high=3e38),
    ],
    ids=named,
)
def test_what_is_just_within_these_bounds_runs(document):
    outcome, what = outcome_of(json.dumps(copy.deepcopy(document)))
    assert outcome == "ran", what
