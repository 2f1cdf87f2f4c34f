"""Keeping what is cut off, before it is cut off: nothing goes that is not on the disk elsewhere."""

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.stores._disk import sync_folder
from jitnas_fn.stores.careful import BLOCK_BYTES, opened


class CorruptFile:
    """The file `<name>.corrupt` beside a cache: damaged lines, each once.

    Parameters
    ----------
    path
        Where it is, or will be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = set(map(_digest, self._lines()))

    def add(self, file: BinaryIO, begins: int, size: int) -> None:
        """Copy `size` bytes of `file` from `begins` on, which hold no newline but at their end, and sync them to the disk.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        found = hashlib.sha256()
        for block in blocks_of(file, begins, size):
            found.update(block.rstrip(b"\n"))
        if found.digest() in self._held or not size:
            return
        with contextlib.suppress(FileExistsError):
            self.path.touch(exist_ok=False)
            sync_folder(self.path.parent)
        with opened(self.path, follow=True, writing=True) as target:
            last = b"\n"
            if target.seek(0, io.SEEK_END):
                target.seek(-1, io.SEEK_END)
                last = target.read(1)
            target.write(b"" if last == b"\n" else b"\n")  # an earlier copy was torn itself
            for block in blocks_of(file, begins, size):
                target.write(block)
                last = block[-1:]
            target.write(b"" if last == b"\n" else b"\n")
            target.flush()
            os.fsync(target.fileno())
        self._held.add(found.digest())

    def _lines(self) -> Iterator[bytes]:
        yield b""  # an empty line need not be kept
        with contextlib.suppress(FileNotFoundError), opened(self.path, follow=True) as file:
            yield from file


def put_into(folder: Path, name: str, file: BinaryIO, begins: int) -> Path:
    """Copy the rest of a file to one of its own in `folder`, synced to the disk and called after its content.

    Parameters
    ----------
    folder
        Where to; made if it is missing.
    name
        The name begins with it.
    file, begins
        What from, and from which byte on.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    folder.mkdir(exist_ok=True)
    draft, found = folder / f".{secrets.token_hex(8)}", hashlib.sha256()
    try:
        with draft.open("xb") as target:
            for block in blocks_of(file, begins, file.seek(0, io.SEEK_END) - begins):
                found.update(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        path = folder / f"{name}.{found.hexdigest()[:16]}"
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(folder)
    return path


def blocks_of(file: BinaryIO, begins: int, size: int) -> Iterator[bytes]:
    """So many bytes of a file, block by block."""
    file.seek(begins)
    while size > 0 and (block := file.read(min(size, BLOCK_BYTES))):
        size -= len(block)
        yield block


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line.rstrip(b"\n")).digest()
