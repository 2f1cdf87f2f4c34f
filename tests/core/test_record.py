"""A record: its id, its seal, what it answers and which one stands for a key."""

import copy
import dataclasses
import json

import pytest

from jitnas_fn.core.codec import digest
from jitnas_fn.core.errors import NewerVersion, RecordError
from jitnas_fn.core.recipe import RANGES
from jitnas_fn.core.record import MAX_RECORD_BYTES, Record, best
from jitnas_fn.core.task import Limits
from tests.samples import SALT, a_record, sealed_with

RECORD = a_record(fixed_salt=SALT)


def changed(value):
    """Every value that differs from `value` in one leaf, with where that is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            for path, other in changed(inner):
                yield [name, *path], {**value, name: other}
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            for path, other in changed(inner):
                yield [place, *path], [*value[:place], other, *value[place + 1 :]]
    else:
        yield [], "changed" if value != "changed" else "again"


def test_it_survives_a_round_trip():
    assert Record.from_json(RECORD.to_json()) == RECORD
    assert Record.from_json(RECORD.to_json()).to_json() == RECORD.to_json()


def test_fields_of_a_later_version_survive_and_are_covered_by_the_id():
    record = a_record(extra={"carbon_grams": 1.5, "notes": [{"a": None}]}, fixed_salt=SALT)
    assert Record.from_json(record.to_json()) == record
    assert record.record_id != RECORD.record_id
    fields = {**record.to_dict(), "carbon_grams": 2.5}
    with pytest.raises(RecordError, match="was changed"):
        Record.from_dict(fields)


CHANGED = {".".join(map(str, path)): fields for path, fields in changed(RECORD.to_dict())}


@pytest.mark.parametrize("path", sorted(CHANGED))
def test_a_change_of_any_value_is_noticed(path):
    with pytest.raises((RecordError, NewerVersion)):
        Record.from_dict(CHANGED[path])


@pytest.mark.parametrize("name", sorted(RECORD.to_dict()))
def test_a_missing_field_is_noticed(name):
    fields = RECORD.to_dict()
    del fields[name]
    with pytest.raises(RecordError):
        Record.from_dict(fields)


def test_a_field_that_is_slipped_in_is_noticed():
    with pytest.raises(RecordError, match="was changed"):
        Record.from_dict({**RECORD.to_dict(), "site_path": "/home"})


@pytest.mark.parametrize(
    "name", ["parts", "dataset", "recipe", "curves", "metrics", "cost", "size", "environment", "provenance", "seal"]
)
@pytest.mark.parametrize("value", [None, [], "text", 1])
def test_a_part_of_another_form_is_refused(name, value):
    with pytest.raises(RecordError):
        Record.from_dict({**RECORD.to_dict(), name: value})


def test_a_key_that_is_not_the_hash_of_its_parts_is_refused():
    with pytest.raises(RecordError, match="not the hash of its parts"):
        Record.from_dict({**RECORD.to_dict(), "key": "0" * 64})


def test_a_newer_record_is_refused():
    with pytest.raises(NewerVersion, match="upgrade"):
        Record.from_dict({**RECORD.to_dict(), "record_version": 2})


def test_text_that_is_too_long_is_refused():
    with pytest.raises(RecordError, match="characters"):
        Record.from_json(" " * (MAX_RECORD_BYTES + 1))


def test_a_redacted_copy_verifies_and_keeps_its_id():
    redacted = RECORD.redacted()
    assert redacted.record_id == RECORD.record_id
    assert "test" not in redacted.to_json()
    assert Record.from_json(redacted.to_json()) == redacted
    assert redacted.redacted() == redacted


def test_the_test_part_can_be_put_back_only_as_it_was():
    fields = RECORD.redacted().to_dict()
    restored = {**fields, "metrics": RECORD.metrics, "seal": RECORD.seal}
    assert Record.from_dict(restored) == RECORD
    better = copy.deepcopy(restored)
    better["metrics"]["test"]["accuracy"] = 1.0
    with pytest.raises(RecordError, match="committed to"):
        Record.from_dict(better)


def test_a_test_part_without_salt_is_refused():
    with pytest.raises(RecordError, match="without the salt"):
        Record.from_dict({**RECORD.redacted().to_dict(), "metrics": RECORD.metrics})


def test_the_test_part_cannot_be_dropped_while_the_salt_is_kept():
    with pytest.raises(RecordError, match="committed to"):
        Record.from_dict({**RECORD.redacted().to_dict(), "seal": RECORD.seal})


def test_two_seals_of_the_same_result_differ():
    assert a_record().seal["commitment"] != a_record().seal["commitment"]


@pytest.mark.parametrize("seal", [{}, {"commitment": "x", "salt": None}, {"commitment": None, "salt": SALT}])
def test_a_record_that_is_not_sealed_is_refused(seal):
    with pytest.raises(RecordError, match="commitment"):
        Record.from_dict(dataclasses.replace(RECORD, seal=seal).to_dict())


def test_a_curve_holds_null_where_nothing_was_measured():
    assert json.loads(RECORD.to_json())["curves"]["train"]["loss"] == [1.5, None]


def limited(verdict, **limits):
    record = dataclasses.replace(
        RECORD, verdict=verdict, limits={"seconds": None, "memory_bytes": None, "device": "cpu", **limits}
    )
    return sealed_with(record, SALT)


@pytest.mark.parametrize("verdict", ["trained", "diverged"])
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=1), Limits(seconds=1e9, memory_bytes=10**12)])
def test_a_permanent_verdict_answers_under_any_limit(verdict, limits):
    assert sealed_with(dataclasses.replace(RECORD, verdict=verdict), SALT).answers(limits)


@pytest.mark.parametrize(
    ("record", "limits", "answers"),
    [
        (limited("over_time", seconds=10.0), Limits(seconds=10.0), True),
        (limited("over_time", seconds=10.0), Limits(seconds=5), True),
        (limited("over_time", seconds=10.0), Limits(seconds=11), False),
        (limited("over_time", seconds=10.0), Limits(), False),
        (limited("over_time", seconds=10.0), Limits(memory_bytes=1), False),
        (limited("out_of_memory", memory_bytes=100), Limits(memory_bytes=100), True),
        (limited("out_of_memory", memory_bytes=100), Limits(memory_bytes=101), False),
        (limited("out_of_memory", memory_bytes=100), Limits(seconds=1.0), False),
        (limited("out_of_memory", memory_bytes=100), Limits(), False),
        (limited("out_of_memory"), Limits(memory_bytes=1), False),
    ],
)
def test_a_limit_that_was_hit_answers_only_limits_no_larger(record, limits, answers):
    assert Record.from_json(record.to_json()).answers(limits) is answers


def test_the_order_is_trust_then_token_then_id():
    records = [a_record(trust=trust, token=token) for trust in ("imported", "local", "site", "curated") for token in (0, 1, 7)]
    assert sorted(records[7:] + records[:7], key=lambda record: record.order) == records
    assert best(records) is records[-1]
    twins = [a_record(), a_record()]
    assert best(twins) is max(twins, key=lambda record: record.record_id)
    assert best([]) is None


def test_an_unknown_trust_comes_last():
    assert a_record(trust="somebody").order < a_record(trust="imported").order


def with_fields(**fields):
    """A record with these fields, sealed and numbered anew, so that only its form can be wrong."""
    parts = fields.get("parts", RECORD.parts)
    return sealed_with(dataclasses.replace(RECORD, **{"key": digest(parts), **fields}), SALT).to_dict()


MALFORMED = {
    "no seed": {"parts": {name: value for name, value in RECORD.parts.items() if name != "seed"}},
    "a seed in words": {"parts": {**RECORD.parts, "seed": "a"}},
    "no dataset": {"parts": {name: value for name, value in RECORD.parts.items() if name != "dataset"}},
    "one part more": {"parts": {**RECORD.parts, "device": "cpu"}},
    "a limit in words": {"verdict": "over_time", "limits": {"seconds": "x", "memory_bytes": None}},
    "a limit verdict without limits": {"verdict": "over_time", "limits": None},
    "a number for a curve": {"curves": {"validation": {"accuracy": 7}}},
    "a text for a metric": {"metrics": {"validation": {"accuracy": "good"}}},
    "a metric that no float holds": {"metrics": {"validation": {"accuracy": 10**400}}},
    "a point of a curve that no float holds": {"curves": {"validation": {"accuracy": [0.5, None, -(10**400)]}}},
    "a limit that no float holds": {"verdict": "over_time", "limits": {"seconds": 10**400, "memory_bytes": None}},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_record_whose_form_later_code_would_trip_over_is_refused(name):
    with pytest.raises(RecordError):
        Record.from_dict(with_fields(**MALFORMED[name]))


def test_a_key_of_a_later_version_is_refused_as_newer():
    with pytest.raises(NewerVersion):
        Record.from_dict(with_fields(parts={**RECORD.parts, "key_version": 2}))


def test_a_record_version_that_is_no_integer_is_refused():
    with pytest.raises(RecordError):
        Record.from_dict({**RECORD.to_dict(), "record_version": True})


def test_a_limit_that_was_hit_stands_behind_what_answers_everybody_however_trusted():
    limits = {"seconds": 1.0, "memory_bytes": None, "device": "cpu"}
    hit = dataclasses.replace(a_record(trust="curated"), verdict="over_time", limits=limits)
    trained = a_record(trust="imported")
    assert best([hit, trained]) is trained


def test_the_longest_training_fits_into_a_record_whatever_its_numbers():
    series = [-1.2345678901234567e-100] * int(RANGES["epochs"][1])
    curves = {split: {"loss": series, "accuracy": series} for split in ("train", "validation")}
    record = dataclasses.replace(a_record(fixed_salt=SALT), curves=curves)
    assert Record.from_json(record.to_json()) == record
    assert len(record.to_json()) < 0.8 * MAX_RECORD_BYTES
