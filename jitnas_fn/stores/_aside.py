"""Where a store puts damaged lines, so that nothing is lost that somebody may yet mend."""

import hashlib
import warnings
from pathlib import Path


class Aside:
    """The file `<name>.corrupt` beside a log. A line goes there once, however often the log is opened.

    Parameters
    ----------
    log
        The log.
    copies
        Whether this process may write beside it; if not, it only warns.
    """

    def __init__(self, log: Path, *, copies: bool = True) -> None:
        self.path = log.with_name(f"{log.name}.corrupt")
        self._log = log
        self._copies = copies
        self._held: set[bytes] | None = None if copies else set()

    def keep(self, lines: list[bytes]) -> None:
        """Copy lines that are not there yet, and warn of them in one line."""
        new = [line if line.endswith(b"\n") else line + b"\n" for line in lines if self._is_new(line)]
        if not new:
            return
        where = self._copied(new) if self._copies else "`jitnas cache verify` says where"
        many = f"{len(new)} damaged entries" if len(new) > 1 else "a damaged entry"
        warnings.warn(f"{self._log}: {many} left out ({where})", UserWarning, stacklevel=2)

    def _copied(self, lines: list[bytes]) -> str:
        try:
            with self.path.open("ab") as file:
                file.write(b"".join(lines))
        except OSError as reason:
            return f"could not be copied to {self.path}: {reason}"
        return f"copied to {self.path}"

    def _is_new(self, line: bytes) -> bool:
        if self._held is None:
            self._held = set(map(_digest, self._lines()))
        before = len(self._held)
        self._held.add(_digest(line))
        return len(self._held) > before

    def _lines(self) -> list[bytes]:
        try:
            return self.path.read_bytes().split(b"\n")
        except OSError:
            return []


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line.rstrip(b"\n")).digest()
