"""What a shared store has merged, and where: which lines of which writers lie in which file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import NewerVersion, StoreError

SCHEMA, SCHEMA_VERSION = "jitnas_fn shared store", 1
MANIFEST = "MANIFEST.json"  # a copy of the newest catalogue, for those who fetch a store from afar
MAX_CATALOGUE_BYTES = 64_000_000
CHUNK_BYTES = 4 << 20  # of a chunk, unless one line is longer
WRITER = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring lines of one writer.

    Attributes
    ----------
    lines, bytes
        How many.
    sha256
        Of their bytes.
    """

    lines: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of one writer from its first on, chunk by chunk."""

    writer: str
    chunks: tuple[Chunk, ...]

    @property
    def lines(self) -> int:
        """Number of lines."""
        return sum(chunk.lines for chunk in self.chunks)

    @property
    def bytes(self) -> int:
        """Their length."""
        return sum(chunk.bytes for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Merged:
    """One merged file: a line of JSON, `begins` bytes long, then the parts without gaps."""

    file: str
    begins: int
    parts: tuple[Part, ...]

    @property
    def bytes(self) -> int:
        """Length of the file."""
        return self.begins + sum(part.bytes for part in self.parts)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One generation.

    Attributes
    ----------
    generation
        Its number, from 1; 0 for a store that never merged anything.
    created
        When. [UTC, ISO 8601]
    merged
        Merged files; no writer is in two of them.
    open
        What was there of segments that were not merged. A later look may find more.
    """

    generation: int = 0
    created: str = ""
    merged: tuple[Merged, ...] = ()
    open: tuple[Part, ...] = ()

    def to_json(self) -> str:
        """Canonical JSON text."""
        merged = [{"file": one.file, "begins": one.begins, "writers": _fields(one.parts)} for one in self.merged]
        head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "generation": self.generation, "created": self.created}
        return canonical({**head, "merged": merged, "open": _fields(self.open)})

    @classmethod
    def from_json(cls, text: str) -> "Catalogue":
        """Read a catalogue, which may be hostile; raises `StoreError`, or `NewerVersion` for a later format."""
        fields = parse(text, max_bytes=MAX_CATALOGUE_BYTES, error=StoreError, what="catalogue of a shared store")
        check_schema(fields, "this shared store")
        try:
            merged = tuple(
                Merged(_file(one["file"]), _count(one["begins"]), _parts(one["writers"])) for one in list(fields["merged"])
            )
            return cls(_count(fields["generation"]), str(fields["created"]), merged, _parts(fields["open"]))
        except (KeyError, TypeError, ValueError) as reason:
            raise StoreError(f"the catalogue of this shared store is malformed ({type(reason).__name__}: {reason})") from None


def located(catalogue: Catalogue) -> Iterator[tuple[str, int, Part]]:
    """(path of the file in the store, where in it the lines begin, the part) of every writer."""
    for merged in catalogue.merged:
        begins = merged.begins
        for part in merged.parts:
            yield f"merged/{merged.file}", begins, part
            begins += part.bytes
    for part in catalogue.open:
        yield f"segments/{part.writer}.jsonl", 0, part


def check_schema(fields: Json, what: str) -> None:
    """Raise `StoreError` or `NewerVersion` if fields are not those of a shared store of this version."""
    version = fields.get("schema_version")
    if fields.get("schema") != SCHEMA or type(version) is not int:
        raise StoreError(f"{what} is no {SCHEMA}: its schema is {str(fields.get('schema'))[:40]!r}")
    if version > SCHEMA_VERSION:
        raise NewerVersion(f"{what} has format {version}; this jitnas_fn reads up to {SCHEMA_VERSION}: please upgrade")


def _fields(parts: tuple[Part, ...]) -> list[Json]:
    return [
        {"writer": part.writer, "chunks": [[chunk.lines, chunk.bytes, chunk.sha256] for chunk in part.chunks]} for part in parts
    ]


def _parts(fields: object) -> tuple[Part, ...]:
    if not isinstance(fields, list):
        raise TypeError("writers are a list")
    return tuple(
        Part(_writer(part["writer"]), tuple(Chunk(_count(n), _count(size), str(sha)) for n, size, sha in part["chunks"]))
        for part in fields
    )


def _writer(name: object) -> str:
    if not isinstance(name, str) or not WRITER.fullmatch(name):
        raise ValueError(f"a writer is 32 hexadecimal digits, not {str(name)[:40]!r}")
    return name


def _file(name: object) -> str:
    return f"{_writer(str(name).removesuffix('.jsonl'))}.jsonl"


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError(f"a count is a whole number from 0, not {str(value)[:40]!r}")
    return value
