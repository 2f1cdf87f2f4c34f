"""What lies at a path: the file of a cache, the folder of a shared store, a published snapshot, or nothing of ours."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.codec import parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.stores._writer import STORE, writer_of
from jitnas_fn.stores.careful import opened, shown
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import ENTRIES, MANIFEST, SnapshotStore
from jitnas_fn.stores.tinydb import TinyStore

CACHE, SHARED, SNAPSHOT = "cache", "shared store", "snapshot"
CACHE_FILE = "cache.jsonl"  # of a user, in JITNAS_HOME
OPENERS: dict[str, Callable[[Path], Store]] = {CACHE: TinyStore, SHARED: SegmentStore, SNAPSHOT: SnapshotStore}
LOOKED_AT_BYTES, LOOKED_AT_LINES = 1 << 20, 200
BEGINNINGS = (b'{"entry_version":1', b'{"document":{', b'{"created":"')  # of an entry that was torn
THERE_IS = "there are the file of a cache (JSON lines), the folder of a shared store, and the folder of a published snapshot"


class NoStore(StoreError):
    """No store is at this path; the message says what is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is.

    Attributes
    ----------
    kind
        "cache", "shared store" or "snapshot".
    path
        Its file or folder.
    """

    kind: str
    path: Path

    def store(self) -> Store:
        """The store that is here; raises `StoreError`, or `NewerVersion`."""
        return OPENERS[self.kind](self.path)


def place_at(path: Path) -> Place:
    """What kind of store is at a path.

    Raises
    ------
    NoStore
        If there is none. The message says what is there, and where to look instead.
    StoreError
        If it cannot be read.
    """
    try:
        if path.is_dir():
            return Place(_kind_of_folder(path), path)
        _check_file(path)
    except NoStore:
        raise
    except FileNotFoundError:
        raise NoStore(f"there is no {shown(path)}: {THERE_IS}") from None
    except ValueError as reason:
        raise NoStore(f"{shown(path)} is no path ({reason})") from None
    except StoreError as reason:  # no plain file
        raise NoStore(f"{reason}, and no store: {THERE_IS}") from None
    except OSError as reason:
        raise StoreError(f"{shown(path)} cannot be read ({shown(reason.strerror)}): check that you may") from None
    return Place(CACHE, path)


def _kind_of_folder(folder: Path) -> str:
    names = {path.name for path in folder.iterdir()}
    if STORE in names or {"segments", "merged", "catalogue"} & {name for name in names if (folder / name).is_dir()}:
        return SHARED
    if {ENTRIES, MANIFEST} & names:
        return SNAPSHOT
    if CACHE_FILE in names:
        raise NoStore(f"the folder {shown(folder)} holds {CACHE_FILE}: give that file")
    raise NoStore(f"the folder {shown(folder)} holds no store: {THERE_IS}")


def _check_file(path: Path) -> None:
    with opened(path, follow=True) as file:
        beginning = file.read(LOOKED_AT_BYTES)
    if path.parent.name in ("segments", "merged") and writer_of(path.name):
        raise NoStore(f"{shown(path)} is a part of a shared store: give its folder, {shown(path.parent.parent)}")
    if beginning.startswith(b'{"entries":{'):
        raise NoStore(f"{shown(path)} is the file of a snapshot: give its folder, {shown(path.parent)}")
    if not _looks_like_entries(beginning):
        raise NoStore(f"{shown(path)} holds no log entry, so it is no cache: {THERE_IS}")


def _looks_like_entries(beginning: bytes) -> bool:
    """Whether a line among the first is an entry, or all there is may be the beginning of one that was torn."""
    lines = beginning.split(b"\n", LOOKED_AT_LINES)
    if len(lines) == 1 and not _is_json(beginning):
        return any(form.startswith(beginning[: len(form)]) for form in BEGINNINGS)
    return any(map(_is_entry, lines))


def _is_json(text: bytes) -> bool:
    try:
        parse(text.decode("utf-8", "replace"), max_bytes=LOOKED_AT_BYTES, error=StoreError, what="log entry")
    except StoreError:
        return False
    return True


def _is_entry(line: bytes) -> bool:
    if b'"entry_version"' not in line or b'"kind"' not in line:
        return False
    return line.lstrip().startswith(b"{")  # it may be damaged, or cut off where we stopped looking
