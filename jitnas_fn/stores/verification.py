"""Reading a store in full, and saying what is wrong with it. Nothing is changed, and no index is trusted.

Every line must be an entry of a known version whose id, key and seal are the hashes that they should be; every document must
have its fingerprint and be one that jitnas_fn can read; every record's document must be there. Of a snapshot length, hash and
counts are held against its manifest; of a shared store every file against the catalogue.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.codec import Json, parse
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.stores._disk import next_line
from jitnas_fn.stores._findings import MOST_NAMED, Findings, joined
from jitnas_fn.stores._progress import Meter, Progress, untold
from jitnas_fn.stores._verify_lines import take_lines
from jitnas_fn.stores._verify_shared import verify_shared
from jitnas_fn.stores.careful import BLOCK_BYTES, content_of, opened
from jitnas_fn.stores.places import CACHE, SHARED, SNAPSHOT, Place
from jitnas_fn.stores.snapshot import CARD, ENTRIES, MANIFEST, MAX_MANIFEST_BYTES, SCHEMA, SCHEMA_VERSION

__all__ = ["MOST_NAMED", "Findings", "joined", "verify"]

HEAD, TAIL = b'{"entries":{\n', b"}}\n"


def verify(place: Place, *, behind: Store | None = None, progress: Progress = untold) -> Findings:
    """Read all of a store and count what is there and what is wrong.

    Parameters
    ----------
    place
        The store.
    behind
        Another that is looked up behind it: what it has need not be in this one.
    progress
        Told how far it has come.

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn wrote to it.
    StoreError
        If it cannot be read, or changes faster than it can be read.
    """
    return _VERIFIERS[place.kind](place.path, behind, progress)


def _verify_cache(path: Path, behind: Store | None, progress: Progress) -> Findings:
    findings = Findings(behind)
    with contextlib.suppress(FileNotFoundError), opened(path, follow=True) as file:
        size = file.seek(0, 2)
        file.seek(0)
        take_lines(file, path, findings, meter=Meter(progress, size))
    findings.finish()
    return findings


def _verify_snapshot(folder: Path, behind: Store | None, progress: Progress) -> Findings:
    findings, path = Findings(behind), folder / ENTRIES
    manifest = _manifest(folder / MANIFEST, findings)
    try:
        with opened(path, follow=True) as file:
            size = file.seek(0, 2)
            meter = Meter(progress, 2 * size)
            findings.count("files")
            findings.count("bytes", size)
            _check_content(file, path, manifest, findings, meter=meter)
            counts = _take_rows(file, path, findings, meter=meter)
        _check_others(folder, manifest.get("files"), findings)
    except OSError as reason:
        findings.bad(path, 0, f"it cannot be read ({reason})")
    else:
        stated = manifest.get("counts")
        if manifest and stated != counts:
            findings.bad(folder / MANIFEST, 0, f"it states counts {stated}; there are {dict(counts)}")
    findings.finish()
    return findings


def _manifest(path: Path, findings: Findings) -> Json:
    try:
        text = content_of(path, most_bytes=MAX_MANIFEST_BYTES, follow=True).decode("utf-8", "replace")
        manifest = parse(text, max_bytes=MAX_MANIFEST_BYTES, error=StoreError, what="manifest")
    except OSError as reason:
        findings.bad(path, 0, f"the manifest cannot be read ({reason})")
        return {}
    version = manifest.get("schema_version")
    if manifest.get("schema") != SCHEMA or type(version) is not int:
        findings.bad(path, 0, f"it is not the manifest of a {SCHEMA}")
        return {}
    if version > SCHEMA_VERSION:
        raise NewerVersion(f"the snapshot {path.parent} has format {version}; this jitnas_fn reads up to {SCHEMA_VERSION}")
    return manifest


def _check_content(file: BinaryIO, path: Path, manifest: Json, findings: Findings, *, meter: Meter) -> None:
    """Hold length and hash of the entries against the manifest."""
    file.seek(0)
    found, size = hashlib.sha256(), 0
    while block := file.read(BLOCK_BYTES):
        found.update(block)
        size += len(block)
        meter.advance(len(block))
    file.seek(0)
    if manifest and manifest.get("bytes") != size:
        findings.bad(path, 0, f"it has {size} bytes; the manifest states {manifest.get('bytes')}")
    if manifest and manifest.get("sha256") != found.hexdigest():
        findings.bad(
            path, 0, f"its sha256 is {found.hexdigest()[:12]}…; the manifest states {str(manifest.get('sha256'))[:12]}…"
        )


def _check_others(folder: Path, stated: object, findings: Findings) -> None:
    """Hold the data card against the manifest, if it is stated there."""
    card = stated.get(CARD) if isinstance(stated, dict) else None
    if card is None:
        return
    try:
        content = content_of(folder / CARD, most_bytes=MAX_MANIFEST_BYTES, follow=True)
    except OSError as reason:
        findings.bad(folder / CARD, 0, f"it cannot be read ({reason}); the manifest states it")
        return
    found = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if found != card:
        findings.bad(folder / CARD, 0, "its sha256 is not the one that the manifest states")


def _take_rows(file: BinaryIO, path: Path, findings: Findings, *, meter: Meter) -> Counter[str]:
    """Verify the entries, one on each line between the first and the last; how many there are of each kind."""
    counts: Counter[str] = Counter()
    number, last = 0, b""
    while line := next_line(file):
        content, length = line
        number += 1
        meter.advance(length)
        if number == 1:
            if content != HEAD:
                findings.bad(path, 1, "the first line is not that of a snapshot")
        elif last:
            counts += _taken_row(last, path, number - 1, findings)
        last = content if number > 1 else b""
    if last != TAIL:
        findings.bad(path, number, "the last line is not that of a snapshot")
        if last:
            counts += _taken_row(last, path, number, findings)
    return counts


def _taken_row(row: bytes, path: Path, number: int, findings: Findings) -> Counter[str]:
    name, _, rest = row.partition(b":")
    if name != b'"%d"' % (number - 1):
        findings.bad(path, number, f"it should be entry {number - 1}, not {name[:20]!r}")
    kind = findings.take(path, number, rest.rstrip(b"\n").removesuffix(b",") + b"\n")
    return Counter([kind] if kind else [])


_VERIFIERS: dict[str, Callable[[Path, Store | None, Progress], Findings]] = {
    CACHE: _verify_cache,
    SHARED: verify_shared,
    SNAPSHOT: _verify_snapshot,
}
