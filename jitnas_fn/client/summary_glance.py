"""What a line of a store says of its record, read off at a glance: for counting many, where nothing is handed out.

Nothing is verified, which would take some 20 times as long: an id is what the line says that it is.
"""

import json
import re
from typing import NamedTuple

from jitnas_fn.client.standings import printable
from jitnas_fn.client.summary_cost import TRAINED, Cost, stated
from jitnas_fn.core.codec import Json
from jitnas_fn.core.record import VERDICTS

_DOCUMENT = b'{"document":{'
_RECORD = b'{"entry_version":1,"kind":"record","record":{"cost":'
# How the parts that are read begin, in the order of a line in canonical form. A hash has 64 digits.
_DATASET, _ENVIRONMENT, _KEY, _PARTS = b',"dataset":{', b',"environment":{', b',"key":"', b',"parts":{"dataset":"'
_FINGERPRINT, _PROVENANCE, _RECIPE = b'","fingerprint":"', b',"provenance":{', b',"recipe":{'
_RECORD_ID, _VERDICT, _END = b',"record_id":"', b',"verdict":"', b'"}}\n'
_TRAINED = b'"origin":"trained"'
_TO_FINGERPRINT = len(_PARTS) + 64
_PARAMETERS = re.compile(rb'"parameters":(\d{1,18})[,}]')
MOST_REMEMBERED = 10_000
VERDICT = {name.encode("ascii"): name for name in VERDICTS}
_QUOTE = ord('"')


class Row(NamedTuple):
    """One record.

    Attributes
    ----------
    record_id, key, fingerprint, dataset_sha256
        As the line states them.
    dataset, recipe, verdict
        Names, as a line can show them.
    cost
        What it cost.
    parameters
        Number of parameters; -1 if it is not stated.
    """

    record_id: str
    key: str
    fingerprint: str
    dataset_sha256: str
    dataset: str
    recipe: str
    verdict: str
    cost: Cost
    parameters: int = -1


class Withdrawn(NamedTuple):
    """A retraction of one record."""

    record_id: str


class Glances:
    """Reads lines. Parts that occur again and again, such as a recipe, are read once."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def at(self, line: bytes) -> Row | Withdrawn | None:
        """The record or retraction on a line; None for anything else, damaged lines too."""
        if line.startswith(_DOCUMENT):
            return None
        return (line.startswith(_RECORD) and self._quick(line)) or _slow(line)

    def _quick(self, line: bytes) -> Row | None:
        """A record from a line in canonical form; None for one that is unusual in any way."""
        find = line.find
        end = find(b"}", len(_RECORD)) + 1
        environment = find(_ENVIRONMENT, dataset := find(_DATASET, end))
        parts = find(_PARTS, key := find(_KEY, environment))
        recipe = find(_RECIPE, provenance := find(_PROVENANCE, parts))
        verdict = find(_VERDICT, record_id := find(_RECORD_ID, recipe))
        fingerprint = parts + _TO_FINGERPRINT
        in_order = 0 < end <= dataset < environment < key < parts < provenance < recipe < record_id < verdict
        if not in_order or not line.startswith(_FINGERPRINT, fingerprint) or not line.endswith(_END):
            return None
        try:
            cost = json.loads(line[len(_RECORD) : end].decode("ascii"))
            return Row(
                _hash_at(line, record_id + len(_RECORD_ID)),
                _hash_at(line, key + len(_KEY)),
                _hash_at(line, fingerprint + len(_FINGERPRINT)),
                _hash_at(line, parts + len(_PARTS)),
                self._part(line[dataset + len(_DATASET) - 1 : environment], "name"),
                self._part(line[recipe + len(_RECIPE) - 1 : record_id], "name"),
                VERDICT[line[verdict + len(_VERDICT) : -len(_END)]],
                stated(
                    cost,
                    device=self._part(line[environment + len(_ENVIRONMENT) - 1 : key], "device"),
                    origin=TRAINED if find(_TRAINED, provenance, recipe) > 0 else None,
                ),
                _number(_PARAMETERS.search(line, record_id, verdict)),
            )
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def _part(self, text: bytes, name: str) -> str:
        """A name in a JSON object that many lines share, as a line can show it; raises what reading it raises."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            value = json.loads(text)[name]
            if not isinstance(value, str):
                raise ValueError("no name")
            found = self._known[text] = printable(value)
        return found


def _hash_at(line: bytes, start: int) -> str:
    """The 64 digits before a quotation mark; raises `ValueError`."""
    if line[start + 64] != _QUOTE:
        raise ValueError("no hash")
    return line[start : start + 64].decode("ascii")


def _number(found: re.Match[bytes] | None) -> int:
    return int(found[1]) if found else -1


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
    parameters = _part(record, "size").get("parameters")
    row = Row(
        _text(record, "record_id"),
        _text(record, "key"),
        _text(_part(record, "parts"), "fingerprint"),
        _text(_part(record, "parts"), "dataset"),
        printable(_part(record, "dataset").get("name")),
        printable(_part(record, "recipe").get("name")),
        printable(record.get("verdict")),
        stated(
            _part(record, "cost"),
            device=_part(record, "environment").get("device"),
            origin=_part(record, "provenance").get("origin"),
        ),
        parameters if type(parameters) is int else -1,
    )
    return row if entry.get("kind") == "record" and row.record_id and row.key and row.fingerprint else None


def _part(fields: Json, name: str) -> Json:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def _text(fields: Json, name: str) -> str:
    found = fields.get(name)
    return found if isinstance(found, str) else ""
