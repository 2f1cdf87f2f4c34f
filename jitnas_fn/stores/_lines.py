"""One entry as one line of text: written so that it can be read again, verified, and recognised at a glance."""

import re
from dataclasses import dataclass

from jitnas_fn.core.codec import MAX_DEPTH, digest, parse
from jitnas_fn.core.entry import MAX_ENTRY_BYTES, Entry, record_entry
from jitnas_fn.core.errors import NewerVersion, RecordError
from jitnas_fn.core.record import MAX_RECORD_BYTES, RECORD_VERSION, Record, is_published
from jitnas_fn.core.task import HASH

_RECORD = b'{"entry_version":1,"kind":"record","record":{'
_DOCUMENT = b'{"document":{'
_KEY = b'"key":"'
_ID = b'"record_id":"'
_VERSION = b'"record_version":%d,' % RECORD_VERSION
_SEAL, _SALT = b'"seal":{"commitment":"', b'","salt":null}'
_HASH = re.compile(rb"[0-9a-f]{64}")
_ARCHITECTURE_END = re.compile(rb',"entry_version":1,"fingerprint":"([0-9a-f]{64})","kind":"architecture"}\n')
_ARCHITECTURE_END_BYTES = 123
PLAIN, TEXT = {str, int, float, bool}, {str}


@dataclass(frozen=True, slots=True)
class Heading:
    """What an index needs to know of an entry.

    Attributes
    ----------
    kind
        Of the entry.
    name
        What makes it the same as another: the record's id, the architecture's fingerprint, the id of the record that a
        retraction withdraws; for any other kind the hash of the whole entry.
    key
        Of a record; empty otherwise.
    shut
        Whether it is a redacted copy of a record.
    """

    kind: str
    name: str
    key: str = ""
    shut: bool = False


def line_for(record: Record) -> tuple[Heading, bytes]:
    """Heading and canonical line of a record; raises as `line_of` does.

    Checking the record itself takes half the time of reading its line again, which is left to those that do not pass:
    JSON makes lists of tuples, say.
    """
    try:
        entry = record_entry(record)
        line = entry.to_json().encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as reason:
        raise RecordError(f"this record cannot be written as JSON: {str(reason)[:200]}") from None
    if not _is_sound(record, entry, line):
        entry_of(line)
    _kept_in_stores(record)
    return heading_of(entry), line


def _is_sound(record: Record, entry: Entry, line: bytes) -> bool:
    try:
        record.check()
    except RecordError:
        return False
    within = len(line) <= MAX_RECORD_BYTES and line.count(b"{") + line.count(b"[") <= MAX_DEPTH
    return within and _is_json(entry.body)


def _is_json(value: object) -> bool:
    """Whether JSON gives back the very value: 2 as a name becomes "2" there, and sorts behind "10"."""
    todo = [value]
    while todo:
        one = todo.pop()
        if type(one) is dict:
            if not set(map(type, one)) <= TEXT:
                return False
            todo.extend(one.values())
        elif type(one) is list:
            todo.extend(one)
        elif one is not None and type(one) not in PLAIN:
            return False
    return True


def line_of(entry: Entry) -> bytes:
    """The canonical line of `entry`, which `entry_of` reads again.

    Raises
    ------
    RecordError
        If it could not be read again: values that JSON lacks, too long, too deep, or changed since its id was taken.
    """
    try:
        text = entry.to_json()
    except (TypeError, ValueError, RecursionError) as reason:
        raise RecordError(f"this {str(entry.kind)[:40]} entry cannot be written as JSON: {str(reason)[:200]}") from None
    line = text.encode("ascii") + b"\n"
    entry_of(line)
    return line


def entry_of(line: bytes) -> Entry:
    """The entry on `line`, verified: a record by its id, key and seal, a document by its fingerprint.

    Raises
    ------
    NewerVersion
        If a later version of jitnas_fn wrote it.
    RecordError
        If it is malformed or was changed.
    """
    entry = Entry.from_json(_text(line))
    if entry.kind == "record":
        _kept_in_stores(Record.from_dict(entry.body["record"]))
    elif entry.kind == "architecture" and digest(entry.body["document"]) != entry.body["fingerprint"]:
        raise RecordError(f"the document of architecture {entry.body['fingerprint'][:12]}… does not have this fingerprint")
    elif entry.kind == "retraction" and not HASH.fullmatch(entry.body["record_id"]):
        raise RecordError("a retraction names a record id, 64 hexadecimal digits")
    return _as_announced(entry, line)


def record_of(line: bytes) -> Record:
    """The record on `line`, verified; raises as `entry_of` does. The caller checks whether it is the one asked for."""
    fields = parse(_text(line), max_bytes=MAX_ENTRY_BYTES, error=RecordError, what="log entry", hashed=True)
    try:
        return _kept_in_stores(Record.from_dict(Entry.from_dict(fields).body.get("record", {})))
    except NewerVersion:
        raise
    except ValueError as reason:  # a number that no float holds
        raise RecordError(f"this record is not one: {str(reason)[:200]}") from None


def _kept_in_stores(record: Record) -> Record:
    """The record; raises `RecordError` for what a table tells, which everybody reads from the table: here it may be forged."""
    if is_published(record.parts):
        raise RecordError("a record of a published table is kept in that table alone: import it where it is to answer")
    return record


def heading_of(entry: Entry) -> Heading:
    """The heading of a verified entry."""
    body = entry.body
    if entry.kind == "record":
        record = body["record"]
        return Heading("record", record["record_id"], record["key"], record["seal"].get("salt") is None)
    if entry.kind in ("architecture", "retraction"):
        return Heading(entry.kind, body["fingerprint" if entry.kind == "architecture" else "record_id"])
    return Heading(entry.kind, digest(entry.to_dict()))


def heading_at_a_glance(line: bytes) -> Heading | None:
    """The heading of a line that has, byte for byte, the form `line_of` writes, without parsing it; None for any other.

    Parsing takes some 30 times as long, and most lines of a long log are never asked for. Such a line is verified when it is
    handed out; until then its heading only says where to look.
    """
    if line.startswith(_RECORD) and line.endswith(b"}}\n"):
        key, record_id = _only(line, _KEY), _only(line, _ID)
        seal = line.find(_SEAL)
        if key and record_id and _VERSION in line and seal >= 0 and line.find(_SEAL, seal + 1) < 0:
            return Heading("record", record_id, key, line.startswith(_SALT, seal + len(_SEAL) + 64))
    elif line.startswith(_DOCUMENT):
        end = _ARCHITECTURE_END.fullmatch(line, len(line) - _ARCHITECTURE_END_BYTES)
        if end:
            return Heading("architecture", end[1].decode("ascii"))
    return None


def _as_announced(entry: Entry, line: bytes) -> Entry:
    glance, heading = heading_at_a_glance(line), heading_of(entry)
    if glance and (glance.kind, glance.name, glance.key) != (heading.kind, heading.name, heading.key):
        raise RecordError("this line does not hold what its form says")
    return entry


def _only(line: bytes, name: bytes) -> str | None:
    """The hash that follows `name`, if `name` occurs once."""
    start = line.find(name)
    if start < 0 or line.find(name, start + 1) >= 0:
        return None
    found = _HASH.match(line, start + len(name))
    return found[0].decode("ascii") if found else None


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as reason:
        raise RecordError(f"this log entry is not UTF-8: {reason.reason} at byte {reason.start}") from None
