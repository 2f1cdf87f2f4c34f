"""What was searched for and what was found, kept in a folder: a comparison goes on there after a kill, and a report reads it.

`asked.json` states what was asked (`Asked`), `searches.jsonl` has one line for each search that came to its end, in the order
in which they did; the steps of each stand in columns.
"""

import contextlib
import dataclasses
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from jitnas_fn import settings
from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import NewerVersion, RecordError, StoreError, TaskError, UnknownName
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.columns import packed, unpacked
from jitnas_fn.search.forms import MOST_SEARCHES, check_asked, check_search
from jitnas_fn.search.found import Found

RUN_VERSION = 1
ASKED, SEARCHES, FOLDER = "asked.json", "searches.jsonl", "runs"
MOST_ASKED_BYTES, MOST_LINE_BYTES = 10_000_000, 50_000_000
LOCK_SECONDS = 30.0  # nobody holds it for longer than it takes to write a small file
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
KEPT = ("warm", "seconds_line", "versions")  # what stays as it was when the run began
KNOWN = {one.name for one in dataclasses.fields(Asked)}
NEEDED = KNOWN - {"table", "warm", "seconds_line", "versions"}


class SavedRun:
    """A run in its folder.

    Parameters
    ----------
    folder
        Where it is.
    asked
        What it was asked for, by whomever.

    Attributes
    ----------
    now
        What was asked for now: perhaps not all of its methods and seeds. All of it, where it was only opened.
    """

    def __init__(self, folder: Path, asked: Asked) -> None:
        self.folder, self.asked = folder, asked
        self.now = asked
        self._mark: tuple[int, int] | None = None  # of the file that says what was asked, where this process was the first

    @property
    def wanted(self) -> list[tuple[str, int]]:
        """(method, seed) of the searches that were asked for now."""
        return self.now.searches

    @property
    def name(self) -> str:
        """That of its folder."""
        return self.folder.name

    @classmethod
    def begun(cls, asked: Asked) -> Self:
        """The run that was asked for the same, or a new one.

        Methods and seeds may be more than before: what is there already is not searched again. What was known when it began
        stays what it is.

        Raises
        ------
        StoreError
            If it cannot be kept.
        TaskError
            If it would be of too many searches.
        """
        folder = runs_folder() / asked.name
        with locked(folder):
            run = cls._begun(folder, asked)
        run.now = asked
        return run

    @classmethod
    def _begun(cls, folder: Path, asked: Asked) -> Self:
        is_new = True
        with contextlib.suppress(UnknownName):
            before = cls.opened(str(folder)).asked
            methods = list(dict.fromkeys([*before.methods, *asked.methods]))
            seeds = sorted({*before.seeds, *asked.seeds})
            asked = dataclasses.replace(asked, methods=methods, seeds=seeds, **{name: getattr(before, name) for name in KEPT})
            is_new = False
        if len(asked.methods) * len(asked.seeds) > MOST_SEARCHES:
            raise TaskError(f"with what it has already this run would be of more than {MOST_SEARCHES:,} searches")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draft = folder / f".{secrets.token_hex(8)}"
            draft.write_text(canonical({**asked.to_dict(), "run_version": RUN_VERSION}) + "\n", "ascii")
            draft.replace(folder / ASKED)
        except OSError as reason:
            raise StoreError(f"the run cannot be kept in {folder} ({reason})") from None
        run = cls(folder, asked)
        run._mark = _mark_of(folder) if is_new else None
        return run

    @classmethod
    def opened(cls, name: str) -> Self:
        """A run that is there, by its name or its folder.

        Raises
        ------
        UnknownName
            If there is none; the message lists the latest ones.
        RecordError
            If it is damaged.
        """
        folder = runs_folder() / name if NAME.fullmatch(name) else Path(name)
        try:
            with (folder / ASKED).open("rb") as file:
                text = file.read(MOST_ASKED_BYTES + 1).decode("ascii")
        except (OSError, ValueError):
            there = ", ".join(names()[:10]) or "none yet: jitnas search and jitnas compare make them"
            raise UnknownName(f"no run {name[:120]!r}; there are {there}") from None
        fields = parse(text, max_bytes=MOST_ASKED_BYTES, error=RecordError, what="run")
        version = fields.pop("run_version", None)
        if type(version) is int and version > RUN_VERSION:
            raise NewerVersion(f"this run has format {version}; this jitnas_fn reads up to {RUN_VERSION}: please upgrade")
        wrong = sorted(NEEDED - fields.keys()) + sorted(fields.keys() - KNOWN)
        if wrong:
            told = ", ".join(wrong)[:200]
            raise RecordError(f"{folder / ASKED} is not what a run was asked for: these are missing or too many: {told}")
        asked = Asked(**fields)
        check_asked(asked)
        return cls(folder, asked)

    def add(self, searches: Iterable[Found]) -> None:
        """Keep searches that came to their end; once this returns they survive any kill."""
        texts = [canonical(packed(found)) for found in searches]
        if any(len(text) >= MOST_LINE_BYTES for text in texts):
            raise StoreError(f"a search of so many steps cannot be kept: it has more than {MOST_LINE_BYTES:,} bytes")
        lines = "".join(f"\n{text}\n" for text in texts).encode("ascii")
        try:
            descriptor = os.open(self.folder / SEARCHES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                left = memoryview(lines)
                while left:
                    left = left[os.write(descriptor, left) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as reason:
            raise StoreError(f"a search cannot be kept in {self.folder} ({reason})") from None

    def forget_if_empty(self) -> None:
        """Leave nothing of a run that has no search, and that nobody else has begun."""
        with contextlib.suppress(OSError), locked(self.folder):
            if self._mark is not None and self._mark == _mark_of(self.folder) and not (self.folder / SEARCHES).exists():
                (self.folder / ASKED).unlink()
                self.folder.rmdir()

    def searches(self) -> Iterator[Found]:
        """The searches that came to their end, each once; a torn line is left out.

        Raises
        ------
        RecordError
            If one has another form than any search has.
        StoreError
            If they cannot be read.
        """
        seen: set[tuple[str, int]] = set()
        for line in self._lines():
            found = unpacked(line)
            if found is not None and (found.method, found.seed) not in seen:
                check_search(found, self.asked)
                seen.add((found.method, found.seed))
                yield found

    def _lines(self) -> Iterator[bytes]:
        try:
            with (self.folder / SEARCHES).open("rb") as file:
                while line := file.readline(MOST_LINE_BYTES):
                    yield line
        except FileNotFoundError:
            return
        except OSError as reason:
            raise StoreError(f"the searches of {self.folder} cannot be read ({reason})") from None

    def done(self) -> set[tuple[str, int]]:
        """(method, seed) of those."""
        return {(found.method, found.seed) for found in self.searches()}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others from the same run, while it is read and written anew; raises `StoreError`."""
    from filelock import FileLock, Timeout

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=LOCK_SECONDS)
        lock.acquire()
    except (OSError, Timeout, NotImplementedError) as reason:
        raise StoreError(f"the run cannot be kept in {folder} ({reason})") from None
    try:
        yield
    finally:
        lock.release()


def runs_folder() -> Path:
    """Where runs are kept, in the user's home."""
    return settings.home() / FOLDER


def names() -> list[str]:
    """Names of all runs, the latest first."""
    found = list(runs_folder().glob(f"*/{ASKED}")) if runs_folder().is_dir() else []
    return [path.parent.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def _mark_of(folder: Path) -> tuple[int, int]:
    """Another one whenever somebody begins the run anew."""
    state = (folder / ASKED).stat()
    return state.st_ino, state.st_mtime_ns
