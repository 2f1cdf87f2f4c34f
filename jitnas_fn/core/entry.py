"""What a store keeps, one entry after another: architectures, records, aliases, retractions, and kinds yet unknown."""

from dataclasses import dataclass

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import NewerVersion, RecordError
from jitnas_fn.core.record import MAX_RECORD_BYTES, Record
from jitnas_fn.core.task import HASH

ENTRY_VERSION = 1
MAX_ENTRY_BYTES = MAX_RECORD_BYTES + 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a store's log.

    Attributes
    ----------
    kind
        "architecture", "record", "alias", "retraction", or a kind that a later version added.
    body
        The entry's own fields.
    """

    kind: str
    body: Json

    def to_dict(self) -> Json:
        """`body` with the entry's version and kind."""
        return {**self.body, "entry_version": ENTRY_VERSION, "kind": self.kind}

    def to_json(self) -> str:
        """Canonical JSON text, one line."""
        return canonical(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> "Entry":
        """Read an entry; raises `RecordError`, or `NewerVersion` for a later format."""
        return cls.from_dict(parse(text, max_bytes=MAX_ENTRY_BYTES, error=RecordError, what="log entry"))

    @classmethod
    def from_dict(cls, fields: Json) -> "Entry":
        """Check form and kind. An unknown kind is kept as it is.

        Raises
        ------
        NewerVersion
            If the entry's version is later than this one's.
        RecordError
            If a known kind lacks a field. (A record inside is checked when it is used: `Record.from_dict`.)
        """
        version, kind = fields.get("entry_version"), fields.get("kind")
        if isinstance(version, int) and version > ENTRY_VERSION:
            raise NewerVersion(f"this entry has format {version}; this jitnas_fn reads up to {ENTRY_VERSION}: please upgrade")
        if version != ENTRY_VERSION or not isinstance(kind, str):
            raise RecordError(
                f"a log entry has entry_version {ENTRY_VERSION} and a kind, not {version!r} and {str(kind)[:40]!r}"
            )
        for name, form in FIELDS.get(kind, {}).items():
            if not isinstance(fields.get(name), form):
                raise RecordError(f"a log entry of kind {kind} has {name}: {form.__name__}, not {str(fields.get(name))[:40]!r}")
        return cls(kind, {name: value for name, value in fields.items() if name not in ("entry_version", "kind")})


FIELDS: dict[str, dict[str, type]] = {
    "architecture": {"fingerprint": str, "document": dict},
    "record": {"record": dict},
    "alias": {"space": str, "point": str, "input_shape": list, "outputs": int, "fingerprint": str},
    "retraction": {"record_id": str, "reason": str, "created": str},
}


def architecture_entry(fingerprint: str, document: Json) -> Entry:
    """The document of an architecture, kept once per fingerprint."""
    return Entry("architecture", {"fingerprint": fingerprint, "document": document})


def record_entry(record: Record) -> Entry:
    """A record."""
    return Entry("record", {"record": record.to_dict()})


def alias_entry(space: str, point: str, *, input_shape: tuple[int, ...], outputs: int, fingerprint: str) -> Entry:
    """A search space's point, for one input shape and number of outputs, is the architecture with this fingerprint."""
    body = {"space": space, "point": point, "input_shape": list(input_shape), "outputs": outputs, "fingerprint": fingerprint}
    return Entry("alias", body)


def retraction_entry(record_id: str, reason: str, *, created: str) -> Entry:
    """A record is withdrawn. It is hidden from then on, never deleted.

    Parameters
    ----------
    record_id
        Of the record.
    reason
        Why, for people.
    created
        When. [UTC, ISO 8601]
    """
    if not HASH.fullmatch(record_id) or not reason.strip():
        raise RecordError("a retraction names a record id (64 hexadecimal digits) and a reason")
    return Entry("retraction", {"record_id": record_id, "reason": reason, "created": created})
