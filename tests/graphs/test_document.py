"""Documents that may be hostile: DocumentError soon, and nothing else."""

import contextlib
import copy
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.architecture import Architecture

GOOD = Architecture.from_module(
    lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.GroupNorm(2, 4),
        nn.AvgPool2d(2),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(36, 2),
    ),
    input_shape=(3, 8, 8),
).document
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1, 10**9, 10**30, 2**31, -(2**31)]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.lists(st.integers(-3, 3), max_size=9),
    st.just({}),
    st.sampled_from(["x0", "n0", "p0", "b0", "n99", "after", "1.0"]),
)


def read(document):
    started = time.perf_counter()
    with contextlib.suppress(DocumentError):
        Architecture.from_json(document if isinstance(document, str) else json.dumps(document))
    assert time.perf_counter() - started < 5


def places(value, path=()):
    yield path
    for name, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(child, (*path, name))


PLACES = [path for path in places(GOOD) if path]


@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=3))
@settings(max_examples=600)
def test_a_document_with_a_few_things_changed_is_read_or_refused(changes):
    document = copy.deepcopy(GOOD)
    for path, value in changes:
        inner = document
        try:
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    read(document)


def test_a_group_norm_of_no_groups_is_refused():
    document = copy.deepcopy(GOOD)
    next(node for node in document["nodes"] if node["op"] == "group_norm")["attrs"]["groups"] = 0
    read(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"opset": NaN}',
        '{"opset": 1e999}',
        "[" * 100_000,
        '{"a":' * 1000 + "1" + "}" * 1000,
        "1" * 10_000,
        '{"opset": 2}',
    ],
    ids=range(10),
)
def test_text_that_is_no_document_is_refused(text):
    with pytest.raises(DocumentError):
        Architecture.from_json(text)


def changed(**parts):
    return {**GOOD, **parts}


RELU = {"op": "relu", "attrs": {}, "inputs": [["x", "x0"]]}


@pytest.mark.parametrize(
    "document",
    [
        changed(inputs=[{"name": "x0", "shape": [10**9], "dtype": "float32"}]),
        changed(parameters=[{"shape": [2**31, 2**31], "dtype": "float32", "init": {"const": 0}, "trainable": True}]),
        changed(nodes=[RELU] * 100_000),
        changed(nodes=[{**RELU, "inputs": [["x", "n0"]]}], outputs=["n0"]),
        changed(nodes=[{**RELU, "op": "exec"}], outputs=["n0"]),
        changed(outputs=[]),
        changed(outputs=["n0"] * 65),
        changed(opset=10**30),
        changed(opset=True),
        {**GOOD, "more": 1},
        {k: v for k, v in GOOD.items() if k != "buffers"},
    ],
    ids=range(11),
)
def test_what_is_out_of_bounds_is_refused(document):
    with pytest.raises(DocumentError):
        Architecture.from_json(json.dumps(document))


def test_a_document_read_back_has_the_same_fingerprint_and_text():
    first = Architecture.from_document(GOOD)
    again = Architecture.from_json(first.to_json())
    assert (again.fingerprint, again.to_json()) == (first.fingerprint, first.to_json())


def one_input(nodes):
    inputs = [{"name": "x0", "shape": [4], "dtype": "float32"}]
    return {"opset": 1, "inputs": inputs, "outputs": [f"n{len(nodes) - 1}"], "nodes": nodes, "parameters": [], "buffers": []}


def test_a_thousand_ties_one_after_the_other_are_bounded():
    nodes, last = [], "x0"
    for _ in range(1100):
        drop = {"op": "dropout", "attrs": {"p": 0.5, "kind": "element"}, "inputs": [["x", last]]}
        pair = [["x", f"n{len(nodes)}"], ["x", f"n{len(nodes) + 1}"]]
        nodes += [drop, drop, {"op": "prod", "attrs": {}, "inputs": pair}]
        last = f"n{len(nodes) - 1}"
    read(one_input(nodes))


def test_a_long_chain_of_sums_is_read_in_time():
    edges = [[["1.0", f"n{i - 1}" if i else "x0"], ["1.0", "x0"]] for i in range(4000)]
    read(one_input([{"op": "sum", "attrs": {"constant": 0.0}, "inputs": pair} for pair in edges]))


def test_a_document_without_inputs_or_whose_output_is_no_batch_is_refused():
    weight = {"shape": [10], "dtype": "float32", "init": {"const": 0.0}, "trainable": True}
    taken = {"name": "x0", "shape": [10], "dtype": "float32"}
    empty = {"opset": 1, "inputs": [taken], "outputs": ["p0"], "nodes": [], "parameters": [weight], "buffers": []}
    with pytest.raises(DocumentError, match="first axis"):
        Architecture.from_document(empty)
    with pytest.raises(DocumentError, match="1 to 64 inputs"):
        Architecture.from_document({**empty, "inputs": []})


def test_who_changes_a_document_changes_no_other_architecture():
    first = Architecture.from_document(copy.deepcopy(GOOD))
    for node in first.document["nodes"]:
        for name, value in node["attrs"].items():
            node["attrs"][name] = [0 for _ in value] if isinstance(value, list) else None
    for parameter in first.document["parameters"]:
        parameter["init"].clear()
    assert Architecture.from_document(copy.deepcopy(GOOD)).document == GOOD
