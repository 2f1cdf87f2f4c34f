"""Log entries: one form for each kind, and room for kinds yet unknown."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.core.entry import (
    FIELDS,
    MAX_ENTRY_BYTES,
    Entry,
    alias_entry,
    architecture_entry,
    record_entry,
    retraction_entry,
)
from jitnas_fn.core.errors import JitnasError, NewerVersion, RecordError
from jitnas_fn.core.record import Record
from tests.samples import a_document, a_fingerprint, a_record

RECORD = a_record()
ENTRIES = [
    architecture_entry(a_fingerprint(), a_document()),
    record_entry(RECORD),
    alias_entry("darts", "normal 0", input_shape=(3, 32, 32), outputs=10, fingerprint=a_fingerprint()),
    retraction_entry(RECORD.record_id, "wrong data", created="2026-01-02T03:04:05Z"),
    Entry("of a later version", {"anything": [1, {"two": None}]}),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.kind)
def test_each_kind_survives_a_round_trip(entry):
    assert Entry.from_json(entry.to_json()) == entry
    assert Entry.from_json(entry.to_json()).to_json() == entry.to_json()
    assert "\n" not in entry.to_json()


def test_every_known_kind_is_tried_here():
    assert {entry.kind for entry in ENTRIES} >= set(FIELDS)


def test_a_record_comes_out_of_its_entry():
    assert Record.from_dict(Entry.from_json(ENTRIES[1].to_json()).body["record"]) == RECORD


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in FIELDS for name in FIELDS[kind]])
def test_a_known_kind_without_one_of_its_fields_is_refused(kind, name):
    fields = next(entry for entry in ENTRIES if entry.kind == kind).to_dict()
    with pytest.raises(RecordError, match=f"kind {kind} has {name}"):
        Entry.from_dict({**fields, name: None})
    del fields[name]
    with pytest.raises(RecordError, match=f"kind {kind} has {name}"):
        Entry.from_dict(fields)


def test_a_newer_entry_is_refused():
    with pytest.raises(NewerVersion, match="upgrade"):
        Entry.from_dict({**ENTRIES[0].to_dict(), "entry_version": 2})


@pytest.mark.parametrize(
    "change", [{"entry_version": 0}, {"entry_version": None}, {"entry_version": "1"}, {"kind": None}, {"kind": ["record"]}]
)
def test_what_is_no_entry_is_refused(change):
    with pytest.raises(RecordError):
        Entry.from_dict({**ENTRIES[0].to_dict(), **change})


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000, " " * (MAX_ENTRY_BYTES + 1)])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(RecordError):
        Entry.from_json(text)


@pytest.mark.parametrize("record_id", ["", "x", "F" * 64, "f" * 63])
def test_a_retraction_names_a_record(record_id):
    with pytest.raises(RecordError, match="record id"):
        retraction_entry(record_id, "a reason", created="2026-01-02T03:04:05Z")


def test_a_retraction_has_a_reason():
    with pytest.raises(RecordError, match="reason"):
        retraction_entry("f" * 64, " ", created="2026-01-02T03:04:05Z")


@given(
    st.dictionaries(
        st.sampled_from(["entry_version", "kind", "record", "document", "fingerprint", "x"]),
        st.none() | st.integers() | st.text(),
    )
)
def test_any_object_is_read_or_refused(fields):
    with contextlib.suppress(JitnasError):
        assert Entry.from_dict(fields).to_dict() == fields
