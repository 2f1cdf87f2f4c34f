"""What was written once is written the same for ever: keys, recipe hashes, entries, envelopes.

When this fails, people's records are about to be lost. Either undo the change, or raise the version constant it belongs to,
keep reading what the old version wrote, and run `python tests/golden/regenerate.py --wire`, which refuses as long as no
version was raised. New texts may be added at any time.
"""

import json
from pathlib import Path

import pytest

from jitnas_fn.core.entry import FIELDS, Entry
from jitnas_fn.core.envelope import VERBS, Envelope
from jitnas_fn.core.record import Record
from jitnas_fn.stores._lines import entry_of, heading_at_a_glance, heading_of
from tests.golden import regenerate, wire

PATH = Path(regenerate.__file__).with_name("wire.json")
GOLDEN = json.loads(PATH.read_text())
VERSIONS = GOLDEN.pop("versions")
TEXTS = [(section, name) for section, texts in GOLDEN.items() for name in texts]
CONTENT = wire.content()


def test_the_versions_are_those_of_the_file():
    assert wire.versions() == VERSIONS


@pytest.mark.parametrize(("section", "name"), TEXTS)
def test_not_a_byte_has_changed(section, name):
    assert CONTENT[section][name] == GOLDEN[section][name]


def test_every_text_is_in_the_file():
    assert [(section, name) for section, texts in CONTENT.items() for name in texts if name not in GOLDEN[section]] == []


def test_the_file_has_every_verb_and_every_kind():
    assert set(GOLDEN["requests"]) == set(GOLDEN["replies"]) == set(VERBS)
    assert set(GOLDEN["entries"]) > set(FIELDS)


@pytest.mark.parametrize("kind", GOLDEN["entries"])
def test_entries_are_read_verified_and_written_back(kind):
    text = GOLDEN["entries"][kind]
    line = text.encode("ascii")
    entry = entry_of(line)
    assert entry.to_json() + "\n" == text
    assert heading_at_a_glance(line) == (heading_of(entry) if kind in ("record", "architecture") else None)


def test_the_record_is_read_and_written_back():
    record = Entry.from_json(GOLDEN["entries"]["record"]).body["record"]
    assert Record.from_dict(record).to_dict() == record
    assert Record.from_dict(record).redacted().record_id == record["record_id"]


@pytest.mark.parametrize(("side", "verb"), [(side, verb) for side in ("requests", "replies") for verb in VERBS])
def test_envelopes_are_read_and_written_back(side, verb):
    envelope = Envelope.from_json(GOLDEN[side][verb])
    assert envelope.verb == verb
    assert envelope.to_json() == GOLDEN[side][verb]


def test_a_change_without_a_new_version_is_not_written(tmp_path):
    path = tmp_path / "golden.json"
    regenerate.regenerate(path, {"key": 1}, {"keys": {"a": "1"}})
    regenerate.regenerate(path, {"key": 1}, {"keys": {"a": "1", "b": "2"}})
    before = path.read_bytes()
    for content in ({"keys": {"a": "other", "b": "2"}}, {"keys": {"a": "1"}}, {}):
        with pytest.raises(SystemExit, match="no version was raised"):
            regenerate.regenerate(path, {"key": 1}, content)
    assert path.read_bytes() == before
    regenerate.regenerate(path, {"key": 2}, {"keys": {"a": "other"}})
