"""JSON: the one canonical form, and reading what may be hostile."""

import contextlib
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.core.codec import MAX_DEPTH, canonical, digest, parse
from jitnas_fn.core.errors import DocumentError, RecordError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def read(text, max_bytes=1_000_000):
    return parse(text, max_bytes=max_bytes, error=RecordError, what="thing")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true],"b":1}'),
        ({"é": "ü\n"}, '{"\\u00e9":"\\u00fc\\n"}'),
        ({"Z": 1, "a": 1, "_": 1, "1": 1}, '{"1":1,"Z":1,"_":1,"a":1}'),
        ([1.0, 1e-5, 1e16, 0.1, -0.0, 1e15], "[1.0,1e-05,1e+16,0.1,-0.0,1000000000000000.0]"),
        ([2**63, -1, 10**20], "[9223372036854775808,-1,100000000000000000000]"),
        ("\U0001f600", '"\\ud83d\\ude00"'),
        ({}, "{}"),
    ],
)
def test_the_canonical_form(value, text):
    assert canonical(value) == text


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_canonical_text_reads_back_and_is_written_the_same_again(value):
    text = canonical(value)
    assert text.isascii()
    assert "\n" not in text
    assert canonical(read(text)) == text


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_the_order_of_names_does_not_change_the_hash(value):
    assert digest(dict(reversed(value.items()))) == digest(value)


def test_the_hash_is_the_sha256_of_the_canonical_text():
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_written(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": [value]})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"a":-1e999}',
        '{"a":' + "9" * 5000 + "}",
        "{",
        "",
        "null",
        "[1]",
        '"text"',
        "1",
        "{'a':1}",
        '{"a":1}x',
        '{"a":"\x00"}',
        "[" * 100_000,
        '{"a":' * 50_000,
    ],
)
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(RecordError, match="thing"):
        read(text)


@pytest.mark.parametrize("text", [None, 1, b"{}", ["{}"], {}])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(RecordError, match="JSON text"):
        read(text)


def test_text_that_is_too_long_is_refused_before_it_is_parsed():
    with pytest.raises(DocumentError, match="1,000 characters; at most 999"):
        parse("x" * 1000, max_bytes=999, error=DocumentError, what="document")


def test_depth_is_bounded():
    def nested(depth):
        return '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"

    assert read(nested(MAX_DEPTH)) is not None
    with pytest.raises(RecordError, match="64 deep"):
        read(nested(MAX_DEPTH + 1))


def test_a_large_integer_is_kept_exactly():
    assert read('{"a":123456789012345678901234567890}') == {"a": 123456789012345678901234567890}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(RecordError):
        assert read(text) == json.loads(text)


def test_a_lone_surrogate_survives():
    assert read(canonical({"a": "\ud800"})) == {"a": "\ud800"}
