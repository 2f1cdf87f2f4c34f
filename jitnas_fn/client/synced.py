"""How far the user's cache has come with each place that it is filled from, remembered beside it."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import JitnasError, StoreError
from jitnas_fn.core.interfaces import Cursor, Taken
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.tinydb import TinyStore

MAX_STATE_BYTES = 64_000_000
Show = Callable[[int, int | None], None]  # bytes read, and of how many if that is known
FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What one synchronisation did.

    Attributes
    ----------
    source
        Where from: a URL, or "site".
    reached
        Whether it answered.
    entries, new
        How many came, and how many of them were not there yet.
    damaged
        How many could not be read, and were left out.
    bytes
        Read from there.
    as_of
        When the source was brought up to date; None if it does not say. [UTC, ISO 8601]
    last
        When the cache was last synchronised from there, before this if that failed; None for never. [UTC, ISO 8601]
    trouble
        Why it was not reached; None if it was.
    """

    source: str
    reached: bool
    entries: int = 0
    new: int = 0
    damaged: int = 0
    bytes: int = 0
    as_of: str | None = None
    last: str | None = None
    trouble: str | None = None

    def plus(self, taken: Taken, size: int) -> "Synced":
        """With more lines, which were `size` bytes."""
        return replace(
            self,
            entries=self.entries + taken.lines,
            new=self.new + taken.new,
            damaged=self.damaged + taken.damaged,
            bytes=self.bytes + size,
        )

    def to_dict(self) -> Json:
        """All fields."""
        return asdict(self)

    def __str__(self) -> str:
        """One sentence."""
        if not self.reached:
            age = f"was last synchronised {ago(self.last)}" if self.last else "was never synchronised from there"
            return f"{self.trouble}; going on with the cache, which {age}"
        told = f"{self.new:,} new of {self.entries:,} entries from {self.source} ({self.bytes / 1e6:.1f} MB)"
        told += f", which is as of {ago(self.as_of)}" if _moment(self.as_of or "") else ""
        return told + (f"; {self.damaged:,} damaged ones left out" if self.damaged else "")


class Progress:
    """Where each source stands, in `sync.json` beside the cache file.

    It counts only for the very file that was filled: a cache that was removed or replaced is filled from the beginning.

    Parameters
    ----------
    cache
        The store that is filled; of another kind than `TinyStore` nothing is remembered.
    """

    def __init__(self, cache: object) -> None:
        self._cache = cache if isinstance(cache, TinyStore) else None
        self._path = None if self._cache is None else self._cache.path.with_name("sync.json")

    @property
    def folder(self) -> Path | None:
        """Where it is remembered; None where nothing is."""
        return self._path.parent if self._path else None

    def sources(self) -> dict[str, Json]:
        """Source → {cursor, into, when}, as far as it can be read."""
        if self._path is None:
            return {}
        try:
            text = self._path.read_text("utf-8", errors="replace")
            found = parse(text, max_bytes=MAX_STATE_BYTES, error=StoreError, what="state of synchronisation")
        except (OSError, JitnasError):
            return {}
        return {name: state for name, state in found.items() if isinstance(state, dict)}

    def last(self, source: str) -> str | None:
        """When the cache was last synchronised from there."""
        when = self.sources().get(source, {}).get("when")
        return when if isinstance(when, str) and _moment(when) else None

    def cursor(self, source: str) -> Cursor:
        """How far it has come; empty for another cache than the one that was filled."""
        state = self.sources().get(source, {})
        into, cursor = state.get("into"), state.get("cursor")
        if self._cache is None or not isinstance(into, dict) or not isinstance(cursor, dict):
            return {}
        same = self._cache.follows(into)
        return {name: seen for name, seen in cursor.items() if type(seen) is int and seen >= 0} if same else {}

    def reached(self, source: str, cursor: Cursor, *, done: bool) -> None:
        """Remember how far it has come, and if this was all, when. Where that cannot be written, it is all asked again."""
        if self._cache is None or self._path is None:
            return
        when = now() if done else self.last(source)
        state = {"cursor": cursor, "into": self._cache.position(), **({"when": when} if when else {})}
        draft = self._path.with_name(f".sync.{secrets.token_hex(4)}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_text(canonical({**self.sources(), source: state}), "ascii")
                draft.replace(self._path)
            finally:
                draft.unlink(missing_ok=True)


def progress_of(store: object) -> Progress:
    """The progress of a store, or of the first layer of several, which is the one that is filled."""
    return Progress(store.stores[0] if isinstance(store, LayeredStore) else store)


def quietly(read: int, whole: int | None) -> None:
    """Show nothing."""


def now() -> str:
    """The time. [UTC, ISO 8601]."""
    return time.strftime(FORM, time.gmtime())


def ago(when: str | None) -> str:
    """How long ago that was, for people."""
    moment = _moment(when or "")
    if moment is None:
        return "at an unknown time"
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s'[: count - 1]} ago"
    return "just now" if seconds < 5 else f"{seconds} seconds ago"


def _moment(when: str) -> datetime | None:
    try:
        return datetime.strptime(when, FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
