"""What a line of a store says of its record, read off at a glance: for counting many, where nothing is handed out.

Nothing is verified, which would take some 20 times as long: an id is what the line says that it is.
"""

import json
from typing import NamedTuple

from jitnas_fn.client.standings import printable
from jitnas_fn.client.summary_cost import Cost, stated
from jitnas_fn.core.codec import Json

_RECORD = b'{"entry_version":1,"kind":"record","record":{"cost":'
_DOCUMENT = b'{"document":{'
# How the parts that are read begin, in the order of a line in canonical form.
_DATASET, _ENVIRONMENT, _KEY, _PARTS = b',"dataset":{', b',"environment":{', b',"key":"', b',"parts":{"dataset":"'
_PROVENANCE, _RECIPE, _RECORD_ID, _VERDICT = b',"provenance":{', b',"recipe":{', b',"record_id":"', b',"verdict":"'
_FINGERPRINT = b'","fingerprint":"'
_TRAINED = b'"origin":"trained"'
_IDS = re.compile(rb"([0-9a-f]{64}|opaque-[0-9a-f-]{36})")
HASH_LENGTH = 64
MOST_REMEMBERED = 10_000


class Row(NamedTuple):
    """One record.

    Attributes
    ----------
    record_id, key, fingerprint
        As the line states them.
    dataset, recipe, verdict
        Names, as a line can show them.
    cost
        What it cost.
    """

    record_id: str
    key: str
    fingerprint: str
    dataset: str
    recipe: str
    verdict: str
    cost: Cost


class Withdrawn(NamedTuple):
    """A retraction of one record."""

    record_id: str


class Glances:
    """Reads lines. Parts that occur again and again, such as a recipe, are read once."""

    def __init__(self) -> None:
        self._read: dict[bytes, Any] = {}

    def at(self, line: bytes) -> Row | Withdrawn | None:
        """The record or retraction on a line; None for anything else, damaged lines too."""
        if line.startswith(_DOCUMENT):
            return None
        return (line.startswith(_RECORD) and self._quick(line)) or _slow(line)

    def _quick(self, line: bytes) -> Row | None:
        """A record from a line in canonical form; None for one that is unusual in any way."""
        end = line.find(b"}", len(_RECORD)) + 1
        dataset = line.find(_DATASET, end)
        environment = line.find(_ENVIRONMENT, dataset)
        key = line.find(_KEY, environment)
        parts = line.find(_PARTS, key)
        provenance = line.find(_PROVENANCE, parts)
        recipe = line.find(_RECIPE, provenance)
        record_id = line.find(_RECORD_ID, recipe)
        verdict = line.find(_VERDICT, record_id)
        if not 0 < end <= dataset < environment < key < parts < provenance < recipe < record_id < verdict:
            return None
        try:
            cost = json.loads(line[len(_RECORD) : end].decode("ascii"))
            device = self._part(line[environment + len(_ENVIRONMENT) - 1 : key], "device")
            name = self._part(line[dataset + len(_DATASET) - 1 : environment], "name")
            plan = self._part(line[recipe + len(_RECIPE) - 1 : record_id], "name")
            ids = [line[at : line.index(b'"', at)].decode("ascii") for at in _starts(line, record_id, key, parts)]
        except (ValueError, AttributeError):
            return None
        end = line.find(b'"', verdict + len(_VERDICT))
        origin = TRAINED if line.find(_TRAINED, provenance, recipe) >= 0 else IMPORTED
        verdict_text = line[verdict + len(_VERDICT) : end].decode("ascii", errors="replace")
        return Row(*ids, name, plan, verdict_text, stated(cost, device=device, origin=origin))


def _slow(line: bytes) -> Row | Withdrawn | None:
    """Any line, taken apart."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    if entry.get("kind") == "retraction":
        return Withdrawn(_text(entry, "record_id"))
    record = _part(entry, "record")
    row = Row(
        _text(record, "record_id"),
        _text(record, "key"),
        _text(_part(record, "parts"), "fingerprint"),
        printable(_part(record, "dataset").get("name")),
        printable(_part(record, "recipe").get("name")),
        printable(record.get("verdict")),
        stated(
            _part(record, "cost"),
            device=_part(record, "environment").get("device"),
            origin=_part(record, "provenance").get("origin"),
        ),
    )
    return row if entry.get("kind") == "record" and row.record_id and row.key and row.fingerprint else None


def _part(fields: Json, name: str) -> Json:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def _text(fields: Json, name: str) -> str:
    found = fields.get(name)
    return found if isinstance(found, str) else ""
