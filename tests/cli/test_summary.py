"""A record as people read it on the command line."""

import dataclasses

from jitnas_fn.cli.summary import as_fields, described
from tests.samples import a_record


def test_sizes_that_are_not_known_are_said_to_be_unknown():
    record = dataclasses.replace(a_record(), size={"parameters": None, "macs": None, "counter": None})
    assert "unknown parameters, unknown multiply-adds" in described(record, source="trained", seconds_waited=1.0)


def test_what_a_record_says_is_shown_as_plain_text():
    name = "\x1b[2J\x07fake\nline"
    said = {"dataset": {"name": name}, "recipe": {"name": name}, "size": {"macs": 10**400}}
    record = dataclasses.replace(a_record(), metrics={"validation": {name: 1e300, "loss": 0.5}}, **said)
    lines = described(record, source="cache", seconds_waited=1.0).splitlines()
    assert len(lines) == len(described(a_record(), source="cache", seconds_waited=1.0).splitlines()) - 1  # no test part
    assert all(line.isprintable() and len(line) < 200 for line in lines)
    assert "?[2J?fake?line 1e+300  loss 0.5000" in lines[1]


def test_json_is_the_record_with_where_it_came_from():
    record = a_record()
    fields = as_fields(record, key=record.key, source="cache", seconds_waited=0.12345)
    assert fields == {**record.to_dict(), "source": "cache", "seconds_waited": 0.123}


def test_json_of_a_miss_has_the_key_alone():
    assert as_fields(None, key="k", source=None, seconds_waited=0.0) == {"key": "k", "source": None, "seconds_waited": 0.0}
