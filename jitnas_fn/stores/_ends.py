"""The end of a file of lines: whether it is torn, and making it end with a newline."""

import io
import os
from typing import BinaryIO

from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import RecordError
from jitnas_fn.stores._lines import entry_of


def is_whole_entry(file: BinaryIO, end: int) -> bool:
    """Whether what follows the last newline is an entry that lacks only its own.

    Parameters
    ----------
    file, end
        The file, and where its last whole line ends. [bytes]

    Raises
    ------
    NewerVersion
        If a later version of jitnas_fn wrote it.
    """
    size = file.seek(0, io.SEEK_END)
    if not end < size <= end + MAX_ENTRY_BYTES:
        return False
    file.seek(end)
    try:
        entry_of(file.read())
    except RecordError:
        return False
    return True


def cut_or_end(file: BinaryIO, end: int, *, whole: bool) -> None:
    """End the last line with a newline if it is whole, else cut it off, and sync that to the disk; raises `OSError`."""
    if file.seek(0, io.SEEK_END) == end:
        return
    if whole:
        file.write(b"\n")
        file.flush()
    else:
        os.ftruncate(file.fileno(), end)
    os.fsync(file.fileno())
