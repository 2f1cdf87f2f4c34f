"""A file of lines to which several processes append, one at a time, and which any of them may lose power over."""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import failure, identity_of, sync_folder, write_all
from jitnas_fn.stores._log import Log

NO_FILE = (-1, -1)  # what no file is known by: the one at the path counts as another
APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class LockedLog(Log):
    """A log that is written to under a lock on `<name>.lock`.

    Lines are written with one `write` on a descriptor that appends, and synced to the disk before `append` returns.

    Parameters
    ----------
    path
        The file. It is made, with its folder, by the first append.
    lock_timeout_seconds
        How long to wait for another process that is writing.
    """

    def __init__(self, path: Path, *, lock_timeout_seconds: float) -> None:
        super().__init__(path)
        self._timeout_seconds = lock_timeout_seconds
        # A filelock.FileLock for this process; only writers import it. After a fork the parent's is neither used nor thrown
        # away, which might release it.
        self._locks: dict[int, Any] = {}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other writers out.

        Raises
        ------
        StoreError
            If another process writes for longer than the timeout, or nobody may write here.
        """
        from filelock import FileLock, Timeout

        lock = self._locks.get(os.getpid())
        if lock is None:
            lock = self._locks[os.getpid()] = FileLock(f"{self.path}.lock", timeout=self._timeout_seconds)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            waited = f"{self._timeout_seconds:g} s"
            raise StoreError(
                f"another process has been writing to {self.path} for {waited}: try again when it is done"
            ) from None
        except (OSError, ValueError, NotImplementedError) as reason:
            raise failure(self.path, "locked for writing", reason) from None
        try:
            yield
        finally:
            lock.release()

    def forget(self) -> None:
        """Be ready to take in everything anew."""
        if self._file is not None:
            self._file = NO_FILE

    def append(self, lines: Sequence[bytes]) -> range:
        """Write lines behind all others and return their numbers; the lock is held, everything before was seen.

        Raises
        ------
        StoreError
            If they could not all be written and synced. Nothing is left but whole lines, nor is anything else changed.
        """
        with self._writing() as descriptor:
            if os.fstat(descriptor).st_size != self.end:
                raise OSError(errno.EBUSY, "another process writes to it without the lock")
            try:
                write_all(descriptor, b"".join(lines))
                os.fsync(descriptor)
            except BaseException:
                # Whole lines stay: others may have seen them, and number what follows by them. A part of one is cut off.
                with contextlib.suppress(OSError):
                    written = os.fstat(descriptor).st_size - self.end
                    os.ftruncate(descriptor, self.end + b"".join(lines).rfind(b"\n", 0, max(0, written)) + 1)
                raise
        for line in lines:
            self._ends.append(self.end + len(line))
        return range(len(self._ends) - len(lines), len(self._ends))

    def sync(self) -> None:
        """Make sure that what is there is on the disk; raises `StoreError`."""
        with self._writing() as descriptor:
            os.fsync(descriptor)

    def mend(self, *, keep: bool) -> None:
        """End the torn tail with a newline, or cut it off; the lock is held."""
        with self._writing() as descriptor:
            if keep:
                write_all(descriptor, b"\n")
            else:
                os.ftruncate(descriptor, self.end)
            os.fsync(descriptor)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[int]:
        try:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, APPENDING, 0o666)
            try:
                identity = identity_of(os.fstat(descriptor))
                self._file = self._file or identity
                if identity != self._file:
                    raise OSError(errno.EBUSY, "it was replaced by another file just now")
                yield descriptor
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(self.path.parent)
        except OSError as reason:
            raise failure(self.path, "written", reason) from None
