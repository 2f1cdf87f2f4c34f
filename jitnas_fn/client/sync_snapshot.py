"""Filling a cache from a published snapshot at a URL, which is one file: fetched in parts, checked as a whole."""

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.client.remote import Remote
from jitnas_fn.client.synced import Progress, Show, Synced
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import JitnasError, NewerVersion, StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.task import HASH
from jitnas_fn.stores._disk import failure
from jitnas_fn.stores.snapshot import ENTRIES, MAX_ROW_BYTES, SCHEMA_VERSION

PART_BYTES = 4 << 20
LINES = 2_000  # kept at once
MAX_BYTES = 64_000_000_000
_DRAFT = re.compile(r"\.sync\.[0-9a-f]{32}")


def read_snapshot(remote: Remote, store: Store, done: Synced, *, manifest: Json, show: Show, progress: Progress) -> Synced:
    """Fill `store` from the snapshot that `manifest` describes, unless that was done.

    Raises
    ------
    StoreError
        If the manifest is malformed, or the file is not the one that it describes.
    NewerVersion
        If a newer jitnas_fn published it.
    """
    size, sha256 = _described(remote, manifest)
    created = str(manifest.get("created"))[:40]
    _clear(progress.folder, but=sha256)
    if progress.cursor(remote.name) != {sha256: 1}:
        with _draft(progress.folder, sha256) as file:
            _fetch(remote, file, size, show=show)
            file.seek(0)
            if _digest(file) != sha256:
                file.truncate(0)
                raise StoreError(f"{ENTRIES} at {remote.name} is not the file that its manifest describes: synchronise again")
            file.seek(0)
            for lines in _batches(_entry_lines(file)):
                done = done.plus(store.take(lines), sum(map(len, lines)))
    progress.reached(remote.name, {sha256: 1}, done=True)
    return replace(done, as_of=created, last=progress.last(remote.name))


def _described(remote: Remote, manifest: Json) -> tuple[int, str]:
    version, size, sha256 = (manifest.get(name) for name in ("schema_version", "bytes", "sha256"))
    if type(version) is int and version > SCHEMA_VERSION:
        raise NewerVersion(
            f"the snapshot at {remote.name} has format {version}; this jitnas_fn reads up to {SCHEMA_VERSION}: please upgrade"
        )
    if type(size) is not int or not 0 < size < MAX_BYTES or not isinstance(sha256, str) or not HASH.fullmatch(sha256):
        raise StoreError(f"the manifest at {remote.name} does not say the bytes and sha256 of {ENTRIES}")
    return size, sha256


@contextlib.contextmanager
def _draft(folder: Path | None, sha256: str) -> Iterator[BinaryIO]:
    """A file for what was fetched so far: if it breaks off, the next time goes on with it, where anything is remembered."""
    if folder is None:
        with tempfile.TemporaryFile() as file:
            yield file
        return
    path = folder / f".sync.{sha256[:32]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            yield file
        path.unlink(missing_ok=True)
    except JitnasError:
        raise
    except OSError as reason:
        raise failure(path, "written", reason) from None


def _clear(folder: Path | None, *, but: str) -> None:
    """Remove what was fetched of other versions, which nobody will go on with."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir() if folder else ():
            if _DRAFT.fullmatch(path.name) and path.name != f".sync.{but[:32]}":
                path.unlink()


def _fetch(remote: Remote, file: BinaryIO, size: int, *, show: Show) -> None:
    start = file.seek(0, 2)
    while start < size:
        part = remote.read(ENTRIES, start=start, size=min(PART_BYTES, size - start))
        if not part:
            raise StoreError(f"{ENTRIES} at {remote.name} is shorter than its manifest says: synchronise again")
        file.write(part)
        start += len(part)
        show(start, size)


def _digest(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while part := file.read(PART_BYTES):
        found.update(part)
    return found.hexdigest()


def _entry_lines(file: BinaryIO) -> Iterator[bytes]:
    """The entries, of which each stands on a line `"<n>":<entry>` with a comma behind all but the last."""
    while row := file.readline(MAX_ROW_BYTES):  # of a longer one no part is an entry
        name, _, entry = row.rstrip(b"\n").partition(b":")
        if name.startswith(b'"') and entry.startswith(b"{"):
            yield entry.removesuffix(b",") + b"\n"


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == LINES or size >= PART_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
