"""The files of one key's leases: opened by exact name, below a folder that nothing planted there leads out of.

Where the system can, a name is opened relative to a descriptor of its folder, which is opened anew each time. On NFS that
makes the client ask the server about the folder, and with it about names that it remembers as missing; the open of a file asks
about the file. A listing or a bare `stat` may answer from what is remembered.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.codec import Json, parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import write_all

MAX_CONTENT_BYTES = 1_000
MAX_TOKEN = 1 << 62
GONE = {errno.ENOENT, errno.ESTALE}
BY_DESCRIPTOR = hasattr(os, "O_DIRECTORY") and {os.open, os.unlink} <= os.supports_dir_fd
TIMES_BY_DESCRIPTOR = os.utime in os.supports_fd
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# A pipe that was planted is not waited for; Windows is to leave line ends alone and keep the file from its children.
CAREFUL = NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at a generation showed. All but `beat_ns` is what its holder wrote, and may be anything.

    Attributes
    ----------
    generation
        Its place in the chain, from 1.
    beat_ns
        When its holder last renewed it, by the holder's clock; 0 if it was given up. [ns since 1970]
    token
        Its fencing token; 0 if there is none in it.
    holder
        {site, host, pid, since}, as far as it is there.
    """

    generation: int
    beat_ns: int
    token: int
    holder: Json


class Chain:
    """The files `<folder>/<two digits>/<key>.<n>`, n = 1, 2, 3, … of one key. Raises `StoreError` where the disk refuses."""

    def __init__(self, folder: Path, key: str) -> None:
        self.key, self._root = key, folder
        self._folder = folder / (key[:2] if len(key) == 64 else "_")

    def path(self, generation: int) -> Path:
        """Where a generation is."""
        return self._folder / f"{self.key}.{generation}"

    def create(self, generation: int) -> int | None:
        """A descriptor of a new file; None if somebody else made that generation. Of all who try, one gets it."""
        with self._explained(generation, "made"):
            self._make_folders()
            try:
                descriptor = self._open(generation, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                return None
            if hasattr(os, "fchmod"):  # whoever may claim must be able to read, whatever this process's umask
                with contextlib.suppress(OSError):
                    os.fchmod(descriptor, _mode(self._folder) & 0o666 | 0o600)
            return descriptor

    def write(self, generation: int, descriptor: int, content: bytes) -> None:
        """Fill a new file, and have it on the disk: a token counts from then on."""
        with self._explained(generation, "written"):
            write_all(descriptor, content[:MAX_CONTENT_BYTES])
            os.fsync(descriptor)

    def beat(self, generation: int, descriptor: int, when_ns: int) -> bool:
        """Set the time of one's own file, through its descriptor; whether the file is still there."""
        try:
            if TIMES_BY_DESCRIPTOR:
                os.utime(descriptor, ns=(when_ns, when_ns))
            elif self.leads_to(generation, descriptor):
                os.utime(self.path(generation), ns=(when_ns, when_ns))
            else:
                return False
        except OSError as reason:
            if reason.errno in GONE:
                return False
            raise self._failure(generation, "renewed", reason) from None
        return True

    def leads_to(self, generation: int, descriptor: int) -> bool:
        """Whether a generation's name leads to the file that is open as `descriptor`."""
        with self._reading(generation) as found, self._explained(generation, "read"):
            return found is not None and os.path.sameopenfile(found, descriptor)

    def has(self, generation: int) -> bool:
        """Whether there is such a generation."""
        with self._reading(generation) as found:
            return found is not None

    def look(self, generation: int) -> Sight | None:
        """What a generation shows; None if there is none."""
        with self._reading(generation) as found:
            if found is None:
                return None
            with self._explained(generation, "read"):
                status = os.fstat(found)  # first: of a file that was given up, all that was ever written is there
                content = os.read(found, MAX_CONTENT_BYTES)
        fields = _fields(content)
        token = fields.pop("token", 0)
        token = token if type(token) is int and 0 < token < MAX_TOKEN else 0
        return Sight(generation, status.st_mtime_ns, token, fields)

    def remove(self, generation: int) -> bool:
        """Remove a generation; whether it is gone."""
        try:
            if not BY_DESCRIPTOR:
                self.path(generation).unlink()
                return True
            with self._folder_opened() as folder:
                os.unlink(self.path(generation).name, dir_fd=folder)
        except OSError as reason:
            return reason.errno in GONE
        return True

    @contextlib.contextmanager
    def _reading(self, generation: int) -> Iterator[int | None]:
        """A descriptor of a generation's file, which is a plain one; None if there is none."""
        try:
            descriptor = self._open(generation, os.O_RDONLY)
        except OSError as reason:
            if reason.errno not in GONE:
                raise self._failure(generation, "read", reason) from None
            yield None
            return
        try:
            with self._explained(generation, "read"):
                plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            if not plain:
                raise StoreError(f"{self.path(generation)} is no plain file, as a lease is: remove it")
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, generation: int, flags: int) -> int:
        if not BY_DESCRIPTOR:
            if self._folder.is_symlink() or self.path(generation).is_symlink():
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            return os.open(self.path(generation), flags | CAREFUL, 0o666)
        with self._folder_opened() as folder:
            return os.open(self.path(generation).name, flags | CAREFUL, 0o666, dir_fd=folder)

    @contextlib.contextmanager
    def _folder_opened(self) -> Iterator[int]:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | NO_LINK)
        try:
            yield folder
        finally:
            os.close(folder)

    def _make_folders(self) -> None:
        """Make what is missing, open to those to whom the folder above is open."""
        self._root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self._root, self._folder):
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                with contextlib.suppress(OSError):
                    folder.chmod(_mode(folder.parent))

    @contextlib.contextmanager
    def _explained(self, generation: int, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as reason:
            raise reason if isinstance(reason, StoreError) else self._failure(generation, verb, reason) from None

    def _failure(self, generation: int, verb: str, reason: OSError) -> StoreError:
        why = "it or its folder is a symbolic link" if reason.errno in (errno.ELOOP, errno.ENOTDIR) else reason.strerror
        return StoreError(
            f"lease {self.path(generation)} cannot be {verb} ({why}): every user of the store needs to read and write "
            f"{self._root}, and nothing but leases belongs there"
        )


def _mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def _fields(content: bytes) -> Json:
    """What is readable of a lease's content. It is for people, but for the token."""
    try:
        fields = parse(content.decode("ascii"), max_bytes=MAX_CONTENT_BYTES, error=StoreError, what="lease")
    except (StoreError, UnicodeDecodeError):
        return {}
    kinds = {"site": str, "host": str, "since": str, "pid": int, "token": int}
    return {name: fields[name] for name, kind in kinds.items() if type(fields.get(name)) is kind}
