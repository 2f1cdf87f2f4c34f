"""`jitnas cache info`: what is kept, what it cost, how often it answered and what that avoided."""

import dataclasses
import json
import time

import pytest

from jitnas_fn.client.cache import users_cache, users_ledger
from jitnas_fn.client.summary_glance import Glances, Row, Withdrawn, _slow
from jitnas_fn.core.entry import architecture_entry, record_entry, retraction_entry
from jitnas_fn.stores.snapshot import publish
from tests.samples import SALT, a_document, a_fingerprint, a_record

NOW = "2026-01-02T03:04:05Z"


def having(record, **changes):
    """The record with some fields of its parts changed."""
    return dataclasses.replace(record, **{name: {**getattr(record, name), **value} for name, value in changes.items()})


OWN = [
    having(
        a_record(0),
        cost={"wall_seconds": 3600.0, "joules": 3.6e6, "joules_method": "measured: NVML"},
        environment={"device": "Tesla V100"},
    ),
    having(a_record(1), cost={"wall_seconds": 1800.0, "joules": 3.6e6, "joules_method": "estimated: 10 W"}),
    having(a_record(2), provenance={"origin": "elsewhere"}, environment={"device": None}),
    a_record(3, fixed_salt=SALT),
]
PUBLISHED = [a_record(3, fixed_salt=SALT), a_record(4), a_record(0, seed=1)]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Four records in the user's cache, one of them retracted, three in the snapshot, one of them in both."""
    store = users_cache()
    for record in OWN:
        store.put(record)
    store.append(architecture_entry(a_fingerprint(), a_document()))
    store.append(retraction_entry(OWN[1].record_id, "wrong", created=NOW))
    publish(tmp_path / "published", map(record_entry, PUBLISHED), created=NOW)
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(tmp_path / "published"))
    return store


@pytest.fixture
def told(kept, jitnas):
    """The answer as JSON, after what was said."""

    def ask():
        code, out, _ = jitnas("cache", "info", "--json")
        assert code == 0
        return json.loads(out)

    return ask


def test_records_are_counted_once_and_without_the_retracted(told, own_home):
    found = told()
    assert found["home"] == str(own_home)
    assert (found["records"], found["own_records"], found["published_records"], found["retracted"]) == (5, 3, 3, 1)
    assert (found["architectures"], found["replicates"]) == (4, 0)
    assert found["datasets"] == {"digits": 5}
    assert found["recipes"] == {"sample": 5}
    assert found["verdicts"] == {"trained": 5}
    assert found["verified"] is False


def test_another_record_under_the_same_key_is_a_replicate(told, kept):
    kept.put(a_record(4, accuracy=0.75))
    assert told()["replicates"] == 1


def test_what_was_spent_is_told_with_its_range(told):
    spent = told()["spent"]
    assert spent["records"] == 3  # the retracted one too: it was spent
    assert spent["gpu_hours"] == pytest.approx(1.0)
    assert spent["cpu_hours"] == pytest.approx(0.5 + 2 / 3600)
    assert spent["joules"] == [3.6e6, 7.2e6]
    assert spent["measured_share"] == 0.5
    assert spent["without_energy"] == 1


def test_what_was_avoided_is_what_answered_once_for_each_key(told, jitnas):
    assert told()["asked"] == {"since": "", "hits": 0, "misses": 0, "asks": 0, "hit_rate": None}
    for _ in range(2):
        assert jitnas("lookup", OWN[0].key)[0] == 0
    assert jitnas("lookup", OWN[2].key, "--json")[0] == 0
    assert jitnas("lookup", "0" * 64)[0] == 3
    found = told()
    assert {**found["asked"], "since": ""} == {"since": "", "hits": 3, "misses": 1, "asks": 4, "hit_rate": 0.75}
    assert (found["avoided"]["records"], found["avoided"]["gpu_hours"]) == (1, 1.0)
    assert (found["inherited"]["records"], found["inherited"]["unknown_device_hours"]) == (1, pytest.approx(2 / 3600))
    assert "ounterfactual" in found["counterfactual"]


def test_people_are_told_in_short(kept, jitnas, own_home):
    jitnas("lookup", OWN[0].key)
    (own_home / "sync.json").write_text(json.dumps({"https://a.place\x1b": {"when": NOW}}))
    code, out, _ = jitnas("cache", "info")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("records        5 that can be looked up: 3 in your own cache, 3 in the published snapshot; 1")
    beginnings = [
        f"asked          1 since {time.strftime('%Y', time.gmtime())}",
        "spent          1 GPU-hours, 0.5006 CPU-hours, 1 to 2 kWh (50% of it measured);",
        "avoided        1 GPU-hours, 0 CPU-hours, 1 to 1 kWh (100% of it measured);",
    ]
    assert all(any(line.startswith(beginning) for line in lines) for beginning in beginnings), out
    assert f"synced         {NOW} with https://a.place?" in lines
    assert "Counterfactual" in out
    assert len(lines) <= 16


def test_an_empty_home_is_told_of(jitnas, monkeypatch, tmp_path):
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(tmp_path / "nowhere"))
    code, out, _ = jitnas("cache", "info")
    assert code == 0
    assert "asked          nothing yet" in out


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": 1}', '{"a": {"when": 1}}', "[" * 100_000])
def test_a_damaged_state_of_synchronisation_is_passed_over(told, own_home, text):
    (own_home / "sync.json").write_text(text)
    assert told()["synced"] == {}


def test_hostile_names_are_shown_printable_and_short(kept, jitnas):
    kept.put(having(a_record(8), dataset={"name": "\x1b[2J" + "x" * 500}, recipe={"name": ["\n"]}))
    code, out, _ = jitnas("cache", "info")
    assert code == 0
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) < 300


def line_of(record):
    return record_entry(record).to_json().encode("ascii") + b"\n"


GLANCED = [
    *OWN[:2],
    a_record(5).redacted(),
    dataclasses.replace(a_record(6), verdict="diverged").sealed(),
    having(a_record(7), dataset={"name": 'quo"ted\\'}, recipe={"name": "ü\n"}),
]


@pytest.mark.parametrize("record", GLANCED, ids=range(len(GLANCED)))
def test_a_glance_sees_what_parsing_sees(record):
    line = line_of(record)
    found = Glances()._quick(line)
    assert isinstance(found, Row)
    assert found == _slow(line)
    assert (found.record_id, found.key, found.fingerprint) == (record.record_id, record.key, record.parts["fingerprint"])


UNUSUAL = [
    having(a_record(1), environment={"device": None}),
    having(a_record(1), dataset={"name": 5}),
    having(a_record(1), cost={"nested": {"a": 1}}),
    dataclasses.replace(a_record(1), extra={"a_field": 1}),
    dataclasses.replace(a_record(1), extra={"zzz": '"verdict":"trained"'}),
    having(a_record(1), provenance={"origin": None}),
]


@pytest.mark.parametrize("record", UNUSUAL, ids=range(len(UNUSUAL)))
def test_an_unusual_record_is_taken_apart(record):
    line = line_of(record)
    assert Glances().at(line) == _slow(line)
    assert Glances().at(line) is not None


def test_lines_that_hold_no_record_are_passed_over():
    glances = Glances()
    good = line_of(a_record(1))
    for line in (b"", b"\n", b"null\n", b"\xff\n", b"[" * 100_000, good[:200], good[:-2], b'{"kind":"record","record":7}\n'):
        assert glances.at(line) is None
    assert glances.at(retraction_entry("a" * 64, "wrong", created=NOW).to_json().encode()) == Withdrawn("a" * 64)


@pytest.mark.slow
def test_twenty_thousand_records_take_less_than_a_second(kept, told):
    with kept.path.open("ab") as file:
        for number in range(200):
            line = line_of(having(a_record(number), environment={"threads": 2}))
            record_id = json.loads(line)["record"]["record_id"]
            for copy in range(100):
                file.write(line.replace(record_id.encode(), f"{number * 100 + copy:064x}".encode()))
    users_cache()
    began = time.monotonic()
    assert told()["own_records"] == 20_003
    assert time.monotonic() - began < 2.0


def test_what_is_asked_of_the_cache_of_another_home_is_not_counted(told, tmp_path, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("JITNAS_HOME", str(tmp_path / "elsewhere"))
        users_ledger().note(hits=[OWN[0]], misses=[])
    assert told()["asked"]["asks"] == 0
