"""Filling a cache from elsewhere: from the files of a shared store or snapshot at a URL, or from a site, page by page.

Only what is new is read. Each chunk is checked against the hash in the manifest, each entry by its own, before it is kept; how
far it has come is remembered batch by batch, so that what was broken off goes on from there.
"""

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from jitnas_fn.client.remote import Missing, Remote, name_of
from jitnas_fn.client.sync_pieces import Piece, batches, unseen
from jitnas_fn.client.sync_snapshot import read_snapshot
from jitnas_fn.client.synced import Progress, Show, Synced
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.core.errors import EnvelopeError, JitnasError, SiteUnavailable, StoreError
from jitnas_fn.core.interfaces import Cursor, Store
from jitnas_fn.stores._segment import MERGING, OPEN
from jitnas_fn.stores.catalogue import MANIFEST, MAX_CATALOGUE_BYTES, SCHEMA, Catalogue
from jitnas_fn.stores.snapshot import SCHEMA as SNAPSHOT
from jitnas_fn.worker.entry import run_task

PAGE_BYTES = 4_000_000
PAGES_WITHOUT_NEWS = 10_000  # in a row, after which a site is not believed any longer
MAX_NAMES, MAX_NAME_CHARACTERS = 500_000, 100  # in a cursor: the memory of it stays readable
_LAST_LINE = re.compile(r"\.[0-9a-f]{16}\Z")
ANSWER_SECONDS = 60.0
ATTEMPTS = 3  # with a newer manifest each, where a store is merged while it is read


def from_url(url: str, store: Store, *, show: Show, progress: Progress) -> Synced:
    """Fill `store` from a shared store, or snapshot, at a URL.

    Raises
    ------
    StoreError
        If there is none, or what is there does not have the hashes that it should.
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


class _Moved(StoreError):
    """What the manifest says was merged just now, or is damaged: a newer manifest tells."""


@dataclass(slots=True)
class _Filling:
    """A store on its way to what a URL has."""

    remote: Remote
    store: Store
    show: Show
    progress: Progress
    done: Synced

    def filled_in_the_end(self) -> Synced:
        """Read what is missing, with a newer manifest where the store is merged meanwhile."""
        for attempt in range(ATTEMPTS):
            try:
                return self.filled()
            except SiteUnavailable as trouble:
                return replace(self.done, reached=False, trouble=str(trouble))
            except _Moved:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def filled(self) -> Synced:
        """Read the manifest, and what is missing."""
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
            self._keep(batch, cursor)
            self.show(self.done.bytes, whole)
        self.progress.reached(name, cursor, done=True)
        return replace(self.done, as_of=catalogue.created, last=self.progress.last(name))

    def _keep(self, batch: list[list[Piece]], cursor: Cursor) -> None:
        """Keep what is in a batch, and move `cursor` on; if it breaks off, keep what came until then."""
        lines: list[bytes] = []
        size = 0
        try:
            for piece, content in self._read(batch):
                lines += [line + b"\n" for line in content.split(b"\n")[:-1]]
                size += piece.size
                cursor[piece.writer] = piece.seen
        finally:
            if size:
                self.done = self.done.plus(self.store.take(lines), size)
                self.progress.reached(self.remote.name, cursor, done=False)

    def _read(self, batch: list[list[Piece]]) -> Iterator[tuple[Piece, bytes]]:
        for run in batch:
            whole = self._content(run[0].path, start=run[0].start, size=sum(piece.size for piece in run))
            for piece in run:
                begins = piece.start - run[0].start
                content = whole[begins : begins + piece.size]
                if not piece.is_in(content):
                    raise _Moved(
                        f"{piece.path} at {self.remote.name} does not have the content that its manifest says: synchronise "
                        "again, and if that does not help, tell whoever looks after it"
                    )
                yield piece, content

    def _content(self, path: str, *, start: int, size: int) -> bytes:
        """A part of a file. A segment that a compactor has taken has another name, for long if it was killed at that."""
        is_segment = path.startswith("segments/")
        for name in (path, path.removesuffix(OPEN) + MERGING) if is_segment else (path,):
            with contextlib.suppress(Missing):
                return self.remote.read(name, start=start, size=size)
        raise _Moved(f"there is no {path} at {self.remote.name}, which its manifest names: synchronise again")


def _manifest(remote: Remote) -> tuple[str, Json]:
    try:
        content = remote.read(MANIFEST, start=0, size=MAX_CATALOGUE_BYTES + 1)
    except Missing:
        raise StoreError(
            f"there is no {MANIFEST} at {remote.name}: it is made there by `jitnas cache compact` or `jitnas cache publish`"
        ) from None
    text = content.decode("utf-8", errors="replace")
    return text, parse(text, max_bytes=MAX_CATALOGUE_BYTES, error=StoreError, what=f"manifest at {remote.name}")


def from_site(control: Executor, store: Store, *, show: Show, progress: Progress) -> Synced:
    """Fill `store` from the store of the site that `control` leads to, for those who can reach nothing else."""
    done = Synced(source="site", reached=True, last=progress.last("site"))
    cursor, without_news = progress.cursor("site"), 0
    try:
        while True:
            entries, after, size = _page(control, cursor)
            if {**cursor, **after} == cursor:
                break
            cursor = _together(cursor, after)
            taken = store.take([canonical(entry).encode("ascii") + b"\n" for entry in entries])
            without_news = 0 if taken.new else without_news + 1
            if without_news > PAGES_WITHOUT_NEWS:
                raise EnvelopeError(f"the site sends page after page, and nothing new on {PAGES_WITHOUT_NEWS:,} of them")
            done = done.plus(taken, size)
            progress.reached("site", cursor, done=False)
            show(done.bytes, None)
    except SiteUnavailable as trouble:
        return replace(done, reached=False, trouble=str(trouble))
    progress.reached("site", cursor, done=True)
    return replace(done, last=progress.last("site"))


def _together(cursor: Cursor, after: Cursor) -> Cursor:
    """The cursor after a page. What it says of logs that are unknown there is kept: they are another site's."""
    known = set(map(_log, after))
    both = {**{name: seen for name, seen in cursor.items() if _log(name) not in known}, **after}
    if len(both) > MAX_NAMES or any(len(name) > MAX_NAME_CHARACTERS for name in after):
        raise EnvelopeError(f"a cursor has at most {MAX_NAMES:,} names, each of at most {MAX_NAME_CHARACTERS} characters")
    return both


def _log(name: str) -> str:
    """The log that a name in a cursor speaks of: some names end with the hash of the last line seen, and change with it."""
    return _LAST_LINE.sub("", name)


def _page(control: Executor, cursor: Cursor) -> tuple[list[object], Cursor, int]:
    request = Envelope("since", {"cursor": cursor, "max_bytes": PAGE_BYTES}).to_json()
    try:
        text = control.submit(run_task, request).result(ANSWER_SECONDS)
    except JitnasError:
        raise
    except Exception as reason:
        raise SiteUnavailable(f"the site does not answer ({type(reason).__name__}: {reason})") from reason
    reply = Envelope.from_json(text)
    if reply.error is not None:
        raise raised(reply.error)
    after = reply.body.get("cursor")
    if not isinstance(after, dict) or not all(type(seen) is int and seen >= 0 for seen in after.values()):
        raise EnvelopeError("the site's answer to since has no cursor: writer → number of its entries seen")
    entries = reply.items("entries")
    if entries and {**cursor, **after} == cursor:
        raise EnvelopeError("the site sends the same entries again and again")
    return entries, after, len(text)
