"""What crosses the wire."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.core.envelope import (
    MAX_ENVELOPE_BYTES,
    MAX_PAYLOAD_BYTES,
    PROTOCOL,
    VERBS,
    Envelope,
    checked_size,
    error_fields,
    raised,
)
from jitnas_fn.core.errors import EnvelopeError, JitnasError, PayloadTooLarge, RecipeError, WalltimeExceeded, WorkerLost


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("error", [None, {"type": "WorkerLost", "message": "gone", "retryable": True}])
def test_each_verb_survives_a_round_trip(verb, error):
    envelope = Envelope(verb, {"keys": ["a", "b"], "nested": {"x": [1, None, "é"]}}, error)
    assert Envelope.from_json(envelope.to_json()) == envelope
    assert Envelope.from_json(envelope.to_json()).to_json() == envelope.to_json()


@pytest.mark.parametrize("protocol", [0, PROTOCOL + 1, None, "1", [1]])
def test_another_protocol_is_refused_with_what_to_do(protocol):
    text = Envelope("ping", {}).to_json().replace(f'"protocol":{PROTOCOL}', f'"protocol":{_json(protocol)}')
    with pytest.raises(EnvelopeError, match="upgrade the older"):
        Envelope.from_json(text)


@pytest.mark.parametrize("verb", ["", "TRAIN", "delete", None, 7, ["train"], {"train": 1}])
def test_an_unknown_verb_is_refused_and_the_known_ones_are_listed(verb):
    text = Envelope("ping", {}).to_json().replace('"verb":"ping"', f'"verb":{_json(verb)}')
    with pytest.raises(EnvelopeError, match="there are hello, ping, lookup, since, status, cancel, train"):
        Envelope.from_json(text)


@pytest.mark.parametrize("error", ["text", 1, [], True])
def test_an_error_of_another_form_is_refused(error):
    with pytest.raises(EnvelopeError, match="error is null or"):
        Envelope.from_json(Envelope("ping", {}).to_json().replace('"error":null', f'"error":{_json(error)}'))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", "x", '{"a":NaN}', "[" * 100_000, '{"a":' * 100_000, '{"protocol":1}', None, b"{}", 5]
)
def test_what_is_no_envelope_is_refused(text):
    with pytest.raises(EnvelopeError):
        Envelope.from_json(text)


def test_nesting_is_bounded():
    with pytest.raises(EnvelopeError, match="deep"):
        Envelope.from_json('{"protocol":1,"verb":"ping","x":' + "[" * 100 + "]" * 100 + "}")


def test_length_is_bounded():
    with pytest.raises(EnvelopeError, match="characters"):
        Envelope.from_json(" " * (MAX_ENVELOPE_BYTES + 1))


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text):
    with pytest.raises(EnvelopeError):
        Envelope.from_json(text)


def test_a_list_is_asked_for_by_name():
    assert Envelope("lookup", {"keys": ["a"]}).items("keys") == ["a"]
    for body in ({}, {"keys": "a"}, {"keys": None}, {"keys": {"a": 1}}):
        with pytest.raises(EnvelopeError, match="lookup needs a list of keys"):
            Envelope("lookup", body).items("keys")


@pytest.mark.parametrize("error", [RecipeError("bad value"), WorkerLost("gone"), JitnasError("some")])
def test_an_error_comes_back_as_the_class_it_was(error):
    fields = error_fields(error)
    assert fields == {"type": type(error).__name__, "message": str(error), "retryable": error.retryable}
    again = raised(fields)
    assert type(again) is type(error)
    assert str(again) == str(error)


def test_an_error_that_is_not_ours_comes_back_as_the_root():
    fields = error_fields(KeyError("x"))
    assert fields == {"type": "JitnasError", "message": "KeyError: 'x'", "retryable": False}
    assert type(raised(fields)) is JitnasError


@pytest.mark.parametrize("kind", ["SystemExit", "ValueError", "ClassVar", "named", "__builtins__", "", None, "OfALaterVersion"])
def test_only_our_errors_are_raised_by_name(kind):
    assert type(raised({"type": kind, "message": "x"})) is JitnasError
    assert type(raised({})) is JitnasError


def test_a_long_message_is_cut():
    assert len(error_fields(RecipeError("x" * 10_000))["message"]) == 4000


def test_so_is_one_that_comes_and_it_moves_no_cursor():
    assert str(raised({"type": "WorkerLost", "message": "x" * 10_000})) == "x" * 4000
    assert str(raised({"type": "WorkerLost", "message": "\x1b[2J\x07two\nlines"})) == "?[2J?two\nlines"


def test_a_payload_that_is_too_large_is_refused_with_its_size():
    assert checked_size("x" * MAX_PAYLOAD_BYTES) == "x" * MAX_PAYLOAD_BYTES
    with pytest.raises(PayloadTooLarge, match="9.5 MB; at most 8 MB"):
        checked_size("x" * 9_500_000)


def _json(value):
    from jitnas_fn.core.codec import canonical

    return canonical(value)


def test_whether_asking_again_may_help_survives_the_wire_also_for_an_unknown_class():
    assert raised({"type": "NodeOnFire", "message": "m", "retryable": True}).retryable
    assert not raised({"type": "NodeOnFire", "message": "m"}).retryable
    assert raised(error_fields(WorkerLost("gone"))).retryable


@pytest.mark.parametrize("kept", [None, 0, 7, 50_000])
def test_which_epoch_is_kept_survives_the_wire(kept):
    error = WalltimeExceeded("the job is over")
    error.kept = kept
    fields = error_fields(error)
    assert set(fields) == {"type", "message", "retryable"} | ({"kept"} if kept is not None else set())
    assert raised(json.loads(Envelope("train", {}, fields).to_json())["error"]).kept == kept


@pytest.mark.parametrize("kept", [-1, 50_001, 10**40, 10**400, True, 2.0, "3", [3], {"kept": 3}])
def test_what_is_no_epoch_is_none(kept):
    assert raised({"type": "WalltimeExceeded", "message": "m", "retryable": True, "kept": kept}).kept is None
    error = WalltimeExceeded("the job is over")
    error.kept = kept  # of a child, which may run anybody's code
    assert "kept" not in error_fields(error)


def test_no_other_error_and_no_other_field_is_set_by_the_wire():
    lost = raised({"type": "WorkerLost", "message": "m", "kept": 3})
    assert not hasattr(lost, "kept")
    over = raised({"type": "WalltimeExceeded", "message": "m", "kept": 3, "args": ["x"], "__cause__": "y", "with_traceback": 1})
    assert (vars(over), over.args, over.__cause__) == ({"retryable": False, "kept": 3}, ("m",), None)
