"""Files on a disk that may fill up or break: reading and writing them, and saying what to do about it."""

import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import StoreError

PART_BYTES = 1 << 20
ADVICE: Mapping[int | None, str] = {
    errno.ENOSPC: "free some space on this disk, or set JITNAS_HOME to a folder on another",
    errno.EDQUOT: "your quota is used up; free some space, or set JITNAS_HOME to a folder elsewhere",
    errno.EIO: "the disk reports an error; set JITNAS_HOME to a folder on another",
    None: "check that you may read and write it, or set JITNAS_HOME to a folder of yours",
}


SHARED_ADVICE: Mapping[int | None, str] = {
    errno.ENOSPC: "free some space there, or ask whoever looks after it",
    errno.EDQUOT: "the quota there is used up; ask whoever looks after it",
    errno.EIO: "the storage reports an error; ask whoever looks after it",
    None: "check that you may read and write there, or ask whoever looks after it",
}


def failure(path: Path, verb: str, reason: Exception, *, advice: Mapping[int | None, str] = ADVICE) -> StoreError:
    """The error that says what could not be done with a file, why, and what to do."""
    number = reason.errno if isinstance(reason, OSError) else None
    return StoreError(f"{path} cannot be {verb} ({reason}): {advice.get(number, advice[None])}. What it held is unharmed")


def identity_of(status: os.stat_result) -> tuple[int, int]:
    """What tells a file from another at the same path."""
    return status.st_dev, status.st_ino


def next_line(file: BinaryIO) -> tuple[bytes, int] | None:
    """The next whole line, or the beginning of one that is too long, and its length; None at the end or at a torn tail."""
    line = part = file.readline(MAX_ENTRY_BYTES + 1)
    length = len(line)
    if length <= MAX_ENTRY_BYTES and not line.endswith(b"\n"):
        return None  # the end, for now: what its writer adds meanwhile must not be read as another part
    while part and not part.endswith(b"\n"):
        part = file.readline(PART_BYTES)
        length += len(part)
    return (line, length) if part else None


def read_all(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes of a file without a buffer, less only at its end."""
    content = part = file.read(size)
    while part and len(content) < size:  # a signal came
        part = file.read(size - len(content))
        content += part
    return content


def names_in(folder: Path) -> list[str]:
    """Names of what is in a folder; raises `OSError`."""
    return [path.name for path in folder.iterdir()]


def write_new(path: Path, content: bytes) -> None:
    """Write a new file and sync it; raises `OSError`, and leaves no part of it then."""
    with path.open("xb", buffering=0) as file:
        try:
            write_all(file.fileno(), content)
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content`, in one call unless the disk takes only a part, which the second call then explains."""
    while content:
        content = content[os.write(descriptor, content) :]


def sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as its content, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
