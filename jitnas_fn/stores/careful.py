"""Files that anybody may have put there: opened without waiting for a pipe, not through a link, named without escapes."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.errors import StoreError

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a symbolic link"}
MOST_SHOWN = 300
BLOCK_BYTES = 1 << 20


class NoPlainFile(StoreError):
    """There is something else where a file should be."""


def opened(path: Path, *, follow: bool = False, writing: bool = False) -> BinaryIO:
    """Open a file, and nothing but a file.

    Parameters
    ----------
    path
        Where it is.
    follow
        Whether it may be a symbolic link: what a user names may, what lies on shared storage may not.
    writing
        Whether it may be changed; then what is written goes where the position is.

    Raises
    ------
    NoPlainFile
        If it is a folder, a pipe, a link or a device.
    OSError
        If the system refuses.
    """
    try:
        flags = (os.O_RDWR if writing else os.O_RDONLY) | NO_WAITING | (0 if follow else NO_LINK)
        descriptor = os.open(path, flags)
    except ValueError as reason:  # a NUL
        raise NoPlainFile(f"{shown(path)} is no name of a file ({reason})") from None
    except OSError as reason:
        if reason.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EMLINK) and (kind := kind_of(path, follow=follow)):
            raise NoPlainFile(f"{shown(path)} is {kind}, not a file") from None
        raise
    kind = _kind(os.fstat(descriptor).st_mode)
    if kind:
        os.close(descriptor)
        raise NoPlainFile(f"{shown(path)} is {kind}, not a file")
    return os.fdopen(descriptor, "r+b" if writing else "rb")


def kind_of(path: Path, *, follow: bool = False) -> str:
    """What is there in place of a file, in words; empty for a file or nothing."""
    try:
        return _kind(os.stat(path, follow_symlinks=follow).st_mode)  # noqa: PTH116  a Path's does not take a choice so briefly
    except (OSError, ValueError):
        return ""


def _kind(mode: int) -> str:
    return "" if stat.S_ISREG(mode) else KINDS.get(stat.S_IFMT(mode), "a device")


def content_of(path: Path, *, most_bytes: int, follow: bool = False) -> bytes:
    """The content of a small file, one byte more than `most_bytes` of a larger one; raises as `opened`."""
    with opened(path, follow=follow) as file:
        return file.read(most_bytes + 1)


def shown(text: object) -> str:
    """A text that came from elsewhere, for people: no escapes, not long."""
    whole = "".join(letter if letter.isprintable() else "?" for letter in str(text))
    return whole if len(whole) <= MOST_SHOWN else f"{whole[: MOST_SHOWN - 1]}…"


def whole_end(file: BinaryIO, end: int) -> int:
    """Where the last line ends that ends within the first `end` bytes of a file."""
    while end > 0:
        begins = max(0, end - BLOCK_BYTES)
        file.seek(begins)
        newline = file.read(end - begins).rfind(b"\n")
        if newline >= 0:
            return begins + newline + 1
        end = begins
    return 0
