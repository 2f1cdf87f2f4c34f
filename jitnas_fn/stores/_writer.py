"""The one who appends to a segment on shared storage: alone, so that no lock is needed and no append needs to be atomic."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jitnas_fn.core.codec import canonical
from jitnas_fn.stores._disk import SHARED_ADVICE, failure, identity_of, sync_folder, write_all, write_new
from jitnas_fn.stores._segment import CLOSING, MERGING, OPEN
from jitnas_fn.stores.catalogue import SCHEMA, SCHEMA_VERSION, WRITER

MOST_BYTES = 8 << 20  # of a segment; then a new one is begun
IDLE_SECONDS = 60.0  # after which a writer looks first whether its segment is still there
ALONE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
GONE = (errno.ESTALE, errno.ENOENT)  # what NFS says of a file that another machine has removed
STORE = "store.json"


class SegmentWriter:
    """Appends to one segment after another, each made by this process.

    Parameters
    ----------
    folder
        Of the segments.

    Attributes
    ----------
    name
        Of the writer of the present segment; empty before the first line.
    descriptor
        Of the present segment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name, self.descriptor = "", -1
        self._path, self._identity = "", (0, 0)
        self._size, self._process, self._last = 0, 0, 0.0

    def write(self, lines: Sequence[bytes]) -> bool:
        """Write lines and sync them to the disk.

        Returns
        -------
        bool
            Whether they are kept. If not, the segment was merged meanwhile, with or without them.

        Raises
        ------
        StoreError
            If they cannot all be written. Nothing is left of them then but whole lines, nor is anything else changed.
        """
        try:
            self._make_ready()
            self._append(b"".join(lines))
        except OSError as reason:
            if reason.errno not in GONE or self.descriptor < 0:
                raise failure(Path(self._path or self._folder), "written", reason, advice=SHARED_ADVICE) from None
        if self._is_there():
            return True
        self._abandon()
        return False

    def close(self) -> None:
        """End the present segment, so that it may be merged at once."""
        if self.descriptor < 0 or self._process != os.getpid():
            return
        with contextlib.suppress(OSError):
            write_all(self.descriptor, CLOSING)
        self._abandon()

    def _make_ready(self) -> None:
        if self._process != os.getpid():  # a fork: the segment is the parent's
            self._abandon()
        if self._size >= MOST_BYTES:
            self.close()
        if self.descriptor >= 0 and time.monotonic() - self._last > IDLE_SECONDS and not self._is_there():
            self._abandon()
        if self.descriptor < 0:
            self._begin()

    def _begin(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            about = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
            write_new(self._folder.parent / STORE, canonical(about).encode("ascii") + b"\n")
        self.name, self._size, self._process = secrets.token_hex(16), 0, os.getpid()
        self._path = str(self._folder / f"{self.name}{OPEN}")
        self.descriptor = os.open(self._path, ALONE, 0o666)
        self._identity = identity_of(os.fstat(self.descriptor))
        sync_folder(self._folder)

    def _append(self, content: bytes) -> None:
        try:
            write_all(self.descriptor, content)
            os.fsync(self.descriptor)
        except OSError:
            self._give_up(content)
            raise
        self._size += len(content)
        self._last = time.monotonic()

    def _give_up(self, content: bytes) -> None:
        """Leave a segment whose last write failed. Readers may have seen whole lines: no others may have their numbers."""
        with contextlib.suppress(OSError):
            written = os.fstat(self.descriptor).st_size - self._size
            self._size += content.rfind(b"\n", 0, max(0, written)) + 1
            os.ftruncate(self.descriptor, self._size)
            if self._size:
                self.close()
            else:
                os.unlink(self._path)  # noqa: PTH108  a text, not a Path
        self._abandon()

    def _is_there(self) -> bool:
        """Whether the path still leads to this file. Opened, since what a bare look says may be an old answer on NFS."""
        if self.descriptor < 0:
            return False
        try:
            found = os.open(self._path, os.O_RDONLY)
        except OSError:
            return False
        try:
            return identity_of(os.fstat(found)) == self._identity
        except OSError:
            return False
        finally:
            os.close(found)

    def _abandon(self) -> None:
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self.descriptor)
        self.descriptor = -1


def segments_in(folder: Path) -> list[Path]:
    """The segments in a folder, in the order of their writers; of one that is called by both its names, the merging one.

    What is a link, a pipe or a folder in spite of its name was put there by somebody else, and is none.
    """
    return _by_writer(folder, lambda entry: entry.is_file(follow_symlinks=False))


def called_segments(folder: Path) -> list[Path]:
    """Whatever has the name of a segment, be it a file or not."""
    return _by_writer(folder, lambda entry: bool(entry.name))


def _by_writer(folder: Path, counts: Callable[[os.DirEntry[str]], bool]) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if writer_of(entry.name) and counts(entry))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as reason:
        raise failure(folder, "read", reason, advice=SHARED_ADVICE) from None
    found = {writer_of(name): name for name in names}
    return [folder / found[writer] for writer in sorted(found)]


def writer_of(name: str) -> str:
    """The writer whose segment has this file name; empty for any other file."""
    stem, dot, kind = name.partition(".")
    return stem if dot + kind in (OPEN, MERGING) and WRITER.fullmatch(stem) else ""
