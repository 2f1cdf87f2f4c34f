"""Filling a cache from the files of a shared store, or snapshot, at a URL.

Only what is new is read. Each chunk is checked against the hash in the manifest, each entry by its own, before it is kept; how
far it has come is remembered batch by batch, so that what was broken off goes on from there. Where a chunk stays damaged, the
records and documents in it that have their own hash are kept, everything else is read, and it is said in the end.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from jitnas_fn.client.remote import Missing, Remote, Unreadable, name_of
from jitnas_fn.client.sync_pieces import Piece, batches, unseen
from jitnas_fn.client.sync_snapshot import read_snapshot
from jitnas_fn.client.synced import Progress, Show, Synced
from jitnas_fn.core.codec import Json, parse
from jitnas_fn.core.errors import SiteUnavailable, StoreError
from jitnas_fn.core.interfaces import Cursor, Store
from jitnas_fn.stores._lines import heading_at_a_glance
from jitnas_fn.stores._segment import MERGING, OPEN
from jitnas_fn.stores.catalogue import MANIFEST, MAX_CATALOGUE_BYTES, SCHEMA, Catalogue
from jitnas_fn.stores.snapshot import SCHEMA as SNAPSHOT

ATTEMPTS = 3  # with a newer manifest each, where a store is merged while it is read


def from_url(url: str, store: Store, *, show: Show, progress: Progress) -> Synced:
    """Fill `store` from a shared store, or snapshot, at a URL.

    Raises
    ------
    StoreError
        If there is none, or some of what is there does not have the hash that it should: the rest was kept then.
    NewerVersion
        If a newer jitnas_fn wrote it. What it wrote is not kept.
    """
    name = name_of(url)
    done = Synced(source=name, reached=True, last=progress.last(name))
    try:
        remote = Remote(url)
    except SiteUnavailable as trouble:
        return replace(done, reached=False, trouble=str(trouble))
    with contextlib.closing(remote):
        return _Filling(remote, store, show, progress, done).filled_in_the_end()


class _Moved(Exception):
    """What the manifest says was merged just now, or is damaged: a newer manifest tells."""


@dataclass(slots=True)
class _Filling:
    """A store on its way to what a URL has."""

    remote: Remote
    store: Store
    show: Show
    progress: Progress
    done: Synced
    harmed: dict[str, str] = field(default_factory=dict)  # writer -> what is wrong with the lines after those seen of it

    def filled_in_the_end(self) -> Synced:
        """Read what is missing, with a newer manifest where the store is merged meanwhile."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._filled(is_last=attempt == ATTEMPTS)
            except SiteUnavailable as trouble:
                return replace(self.done, reached=False, trouble=str(trouble))
            except _Moved:
                continue
        if self.remote.name not in self.progress.sources():  # so that it is known from where to synchronise again
            self.progress.reached(self.remote.name, {}, done=False)
        wrong = next(iter(self.harmed.values()))
        raise StoreError(f"{wrong}; all else was synchronised ({self.done.new:,} new)")

    def _filled(self, *, is_last: bool) -> Synced:
        """Read the manifest, and what is missing. What is not as it should be is passed over only at the last attempt."""
        name = self.remote.name
        text, fields = _manifest(self.remote)
        if fields.get("schema") == SNAPSHOT:
            return read_snapshot(self.remote, self.store, self.done, manifest=fields, show=self.show, progress=self.progress)
        if fields.get("schema") != SCHEMA:
            raise StoreError(f"{name} is neither a {SCHEMA} nor a {SNAPSHOT}: its schema is {str(fields.get('schema'))[:40]!r}")
        cursor, catalogue = self.progress.cursor(name), Catalogue.from_json(text)
        pieces = unseen(catalogue, cursor)
        whole = self.done.bytes + sum(piece.size for piece in pieces)
        for batch in batches(pieces):
            self._keep(batch, cursor, is_last=is_last)
            self.show(self.done.bytes, whole)
        if self.harmed:
            raise _Moved
        self.progress.reached(name, cursor, done=True)
        return replace(self.done, as_of=catalogue.created, last=self.progress.last(name))

    def _keep(self, batch: list[list[Piece]], cursor: Cursor, *, is_last: bool) -> None:
        """Keep what is in a batch, and move `cursor` on; if it breaks off, keep what came until then."""
        lines: list[bytes] = []
        size = 0
        try:
            for piece, content in self._read(batch, is_last=is_last):
                size += len(content)
                found = [line + b"\n" for line in content.split(b"\n")[:-1]]
                if piece.is_in(content):
                    lines += found
                else:
                    self._note(piece, f"{piece.path} does not have the content that its manifest says", is_last=is_last)
                    lines += filter(heading_at_a_glance, found)  # that can be verified one by one
                if piece.writer not in self.harmed:
                    cursor[piece.writer] = piece.seen
        finally:
            if size:
                self.done = self.done.plus(self.store.take(lines), size)
                self.progress.reached(self.remote.name, cursor, done=False)

    def _read(self, batch: list[list[Piece]], *, is_last: bool) -> Iterator[tuple[Piece, bytes]]:
        for run in batch:
            whole = self._content(run[0].path, start=run[0].start, size=sum(piece.size for piece in run))
            for piece in run:
                if whole is None:
                    self._note(piece, f"{piece.path}, which its manifest names, cannot be read", is_last=is_last)
                else:
                    begins = piece.start - run[0].start
                    yield piece, whole[begins : begins + piece.size]

    def _note(self, piece: Piece, wrong: str, *, is_last: bool) -> None:
        """Something is not as the manifest says: begin again with a newer one, or note it."""
        if not is_last:
            raise _Moved
        self.harmed.setdefault(
            piece.writer,
            f"{wrong} (at {self.remote.name}): synchronise again, and if that does not help, tell whoever looks after it "
            "that `jitnas cache verify` finds what is damaged",
        )

    def _content(self, path: str, *, start: int, size: int) -> bytes | None:
        """A part of a file, None if it is not there. A segment that a compactor has taken has another name."""
        is_segment = path.startswith("segments/")
        for name in (path, path.removesuffix(OPEN) + MERGING) if is_segment else (path,):  # for long if it was killed at that
            with contextlib.suppress(Missing):
                return self.remote.read(name, start=start, size=size)
        return None


def _manifest(remote: Remote) -> tuple[str, Json]:
    try:
        content = remote.read(MANIFEST, start=0, size=MAX_CATALOGUE_BYTES + 1)
    except Unreadable as trouble:
        raise SiteUnavailable(str(trouble)) from None
    except Missing:
        raise StoreError(
            f"there is no {MANIFEST} at {remote.name}: it is made there by `jitnas cache compact` or `jitnas cache publish`"
        ) from None
    text = content.decode("utf-8", errors="replace")
    return text, parse(text, max_bytes=MAX_CATALOGUE_BYTES, error=StoreError, what=f"manifest at {remote.name}")
