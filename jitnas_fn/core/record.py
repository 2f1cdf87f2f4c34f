"""What one task measured. Never changed once written; its id is the hash of its content."""

import dataclasses
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json, canonical, digest, parse
from jitnas_fn.core.errors import NewerVersion, RecordError
from jitnas_fn.core.seeds import LARGEST_SEED
from jitnas_fn.core.task import HASH, KEY_VERSION, Limits, is_dataset_name, is_key, key_of

RECORD_VERSION = 1
MAX_RECORD_BYTES = 8_000_000
VERDICTS = ("trained", "diverged", "out_of_memory", "over_time")
PARTS = {"key_version", "fingerprint", "dataset", "recipe", "seed"}
PUBLISHED_PARTS = PARTS | {"dataset_named"}
NUMBERS = {int, float, type(None)}
TRUST = ("imported", "local", "site", "curated")  # rising


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One task's result.

    Attributes
    ----------
    key, parts
        The task's key and what it is the hash of: key version, fingerprint, dataset hash, recipe hash, seed. Where a table was
        imported, dataset and seed are None, and `dataset_named` says of which dataset it is.
    dataset, recipe
        What people read: {name, version, task, metric, direction, unit, splits} and {name, and every field of the recipe}.
    verdict
        "trained"; "diverged" (the loss left the finite numbers; permanent); "out_of_memory" or "over_time" (see `limits`).
    curves
        `curves[split][metric]`: one value per epoch, None where there was none. Losses in nats or squared units, accuracy
        as a fraction.
    metrics
        `metrics[split][metric]` at the end. The test part is absent from a redacted copy.
    cost
        train_seconds, evaluation_seconds, wall_seconds, joules, joules_method, peak_bytes, attempts.
    size
        parameters, macs (multiply-adds for one sample), counter (the name of the way they were counted).
    environment
        device, threads, determinism, versions.
    provenance
        site, origin ("trained" or "imported"), payload, trust (one of `TRUST`), token (fencing token), job ({id,
        pending_seconds} of the scheduler, None outside one), created (UTC). Of an imported record: origin, trust, table, index
        (in the table), runs (how many were averaged, None where it is not said), source, sha256 of the table.
    limits
        For out_of_memory and over_time: {seconds, memory_bytes, device} that was hit, else None.
    seal
        {commitment, salt}: the commitment to the test part, and the salt that opens it (None in a redacted copy).
    extra
        Fields that a later version added; kept and hashed.
    """

    key: str
    parts: Json
    dataset: Json
    recipe: Json
    verdict: str
    curves: Json
    metrics: Json
    cost: Json
    size: Json
    environment: Json
    provenance: Json
    limits: Json | None = None
    seal: Json = field(default_factory=dict)
    extra: Json = field(default_factory=dict)

    @property
    def record_id(self) -> str:
        """SHA-256 over the record without its test part and salt, so that a redacted copy has the same id."""
        return digest(_covered(self._content()))

    @property
    def order(self) -> tuple[bool, int, int, str]:
        """The total order among records under one key: trust, fencing token, record id. The largest one answers.

        A verdict that only some requests may have (a limit was hit) stands behind all that answer every request.
        """
        trust = self.provenance.get("trust")
        token = self.provenance.get("token", 0)
        rank = TRUST.index(trust) if trust in TRUST else -1
        return self.answers(Limits()), rank, token if type(token) is int else 0, self.record_id

    def answers(self, limits: Limits) -> bool:
        """Whether this record answers a request under `limits`: a limit that was hit answers only limits no larger."""
        if self.verdict in ("trained", "diverged"):
            return True
        name = "memory_bytes" if self.verdict == "out_of_memory" else "seconds"
        hit, asked = (self.limits or {}).get(name), getattr(limits, name)
        return hit is not None and asked is not None and asked <= hit

    def sealed(self, salt: str | None = None) -> "Record":
        """This record with a salted commitment to its test part; the salt is drawn, or given where it need not hide it."""
        salt = salt or secrets.token_hex(32)
        return dataclasses.replace(self, seal={"commitment": _commitment(salt, self._content()), "salt": salt})

    def redacted(self) -> "Record":
        """A copy without the test part; it still verifies and keeps its id."""
        shut = {**self.seal, "salt": None}
        return dataclasses.replace(self, metrics=_without_test(self.metrics), curves=_without_test(self.curves), seal=shut)

    def to_dict(self) -> Json:
        """The whole record as JSON values."""
        return {**self._content(), "record_version": RECORD_VERSION, "record_id": self.record_id}

    def to_json(self) -> str:
        """Canonical JSON text."""
        return canonical(self.to_dict())

    def check(self) -> None:
        """Raise `RecordError` if this record could not be read again: its form, key or seal is wrong."""
        _check(self)

    def _content(self) -> Json:
        return {**self.extra, **{name: getattr(self, name) for name in OWN}}

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """Read and verify a record; raises `RecordError`, or `NewerVersion` for a later format."""
        return cls.from_dict(parse(text, max_bytes=MAX_RECORD_BYTES, error=RecordError, what="record"))

    @classmethod
    def from_dict(cls, fields: Json) -> "Record":
        """Check form, key, id and seal, and return the record.

        Raises
        ------
        NewerVersion
            If a later version of jitnas_fn wrote it.
        RecordError
            If it is malformed, its key is not the hash of its parts, its id not that of its content, or its test part not
            the one committed to.
        """
        version = fields.get("record_version")
        if type(version) is int and version > RECORD_VERSION:
            raise NewerVersion(f"this record has format {version}; this jitnas_fn reads up to {RECORD_VERSION}: please upgrade")
        if type(version) is not int or version != RECORD_VERSION:
            raise RecordError(f"a record has record_version {RECORD_VERSION}, not {str(version)[:40]!r}")
        missing = sorted(OWN - fields.keys())
        if missing:
            raise RecordError(f"this record lacks {', '.join(missing)}")
        extra = {k: v for k, v in fields.items() if k not in OWN and k not in ("record_version", "record_id")}
        record = cls(**{name: fields[name] for name in OWN}, extra=extra)
        _check(record)
        if record.record_id != fields.get("record_id"):
            raise RecordError(
                f"record {str(fields.get('record_id'))[:12]}… was changed: its content has id {record.record_id[:12]}…"
            )
        return record


OWN = {field.name for field in dataclasses.fields(Record)} - {"extra"}


def best(records: Iterable[Record]) -> Record | None:
    """The record that stands for its key: the largest by `Record.order`; None if there is none."""
    known = list(records)
    return max(known, key=lambda record: record.order) if len(known) > 1 else next(iter(known), None)


def answering(records: Iterable[Record], limits: Limits) -> Record | None:
    """The best of those records that answer a request under `limits`; None if there is none."""
    return best(record for record in records if record.answers(limits))


def _check(record: Record) -> None:
    objects = ("parts", "dataset", "recipe", "curves", "metrics", "cost", "size", "environment", "provenance", "seal")
    for name in objects:
        if not isinstance(getattr(record, name), dict):
            raise RecordError(f"record: {name} is a JSON object, not {type(getattr(record, name)).__name__}")
    if record.verdict not in VERDICTS:
        raise RecordError(f"record: no verdict {str(record.verdict)[:40]!r}; there are {', '.join(VERDICTS)}")
    _check_limits(record)
    for name, by_split in (("curves", record.curves), ("metrics", record.metrics)):
        for split, by_metric in by_split.items():
            if not isinstance(by_metric, dict) or not _is_numbers(by_metric.values(), series=name == "curves"):
                raise RecordError(f"record: {name} of {str(split)[:40]!r} hold numbers that a float holds, and null")
    _check_parts(record.parts, record.provenance)
    if not is_key(record.key) or key_of(record.parts) != record.key:
        raise RecordError(f"record: key {str(record.key)[:12]}… is not the hash of its parts")
    commitment, salt = record.seal.get("commitment"), record.seal.get("salt")
    if not isinstance(commitment, str) or not HASH.fullmatch(commitment):
        raise RecordError("record: seal.commitment is 64 hexadecimal digits")
    if salt is not None and _commitment(str(salt), record._content()) != commitment:
        raise RecordError("record: the test part is not the one that was committed to")
    if salt is None and ("test" in record.metrics or "test" in record.curves):
        raise RecordError("record: a test part without the salt that opens its seal")


def _check_parts(parts: Json, provenance: Json) -> None:
    """Of what was trained the ordinary parts; what was imported is of a published table, of the least trust, and has others."""
    version = parts.get("key_version")
    if type(version) is int and version > KEY_VERSION:
        raise NewerVersion(f"this record's key has version {version}; this jitnas_fn knows up to {KEY_VERSION}: please upgrade")
    hashes = all(isinstance(parts.get(name), str) and HASH.fullmatch(parts[name]) for name in ("dataset", "recipe"))
    whole = type(version) is int and type(parts.get("seed")) is int and 0 <= parts["seed"] <= LARGEST_SEED
    origin, trust, token = (provenance.get(name) for name in ("origin", "trust", "token"))
    if origin == "imported":
        fits = is_published(parts) and trust == "imported" and type(token) is int and token == 0
    else:
        fits = set(parts) == PARTS and hashes and whole
    if not fits or not is_key(parts["fingerprint"]):
        raise RecordError(f"record: parts are {', '.join(sorted(PARTS))}, not {str(parts)[:120]}")


def is_published(parts: Json) -> bool:
    """Whether these may be the parts of what a table tells: of a dataset by its name, without a seed."""
    if set(parts) != PUBLISHED_PARTS or type(parts["key_version"]) is not int or not is_dataset_name(parts["dataset_named"]):
        return False
    unsaid = parts["dataset"] is None and parts["seed"] is None
    return unsaid and isinstance(parts["recipe"], str) and bool(HASH.fullmatch(parts["recipe"]))


def _check_limits(record: Record) -> None:
    limits = record.limits
    if record.verdict in ("trained", "diverged") and limits is None:
        return
    if not isinstance(limits, dict) or not all(_is_number_or_null(limits.get(name)) for name in ("seconds", "memory_bytes")):
        raise RecordError("record: limits are {seconds, memory_bytes, device} of numbers or null")


def _is_number_or_null(value: object) -> bool:
    return value is None or finite(value) is not None


def _is_numbers(values: Collection[object], *, series: bool = False) -> bool:
    """Whether all values are numbers that a float holds, or null; or lists of such. Floats are not looked at one by one."""
    if series:
        return all(isinstance(value, list) and _is_numbers(value) for value in values)
    kinds = set(map(type, values))
    return kinds <= NUMBERS and (int not in kinds or all(map(_is_number_or_null, values)))


def _without_test(by_split: Json) -> Json:
    return {split: values for split, values in by_split.items() if split != "test"}


def _covered(content: Json) -> Any:
    seal = {name: value for name, value in content["seal"].items() if name != "salt"}
    open_parts = {"metrics": _without_test(content["metrics"]), "curves": _without_test(content["curves"])}
    return {**content, **open_parts, "seal": seal, "record_version": RECORD_VERSION}


def _commitment(salt: str, content: Json) -> str:
    return digest({"salt": salt, "metrics": content["metrics"].get("test"), "curves": content["curves"].get("test")})
