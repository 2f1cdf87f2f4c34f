"""Filling a cache from elsewhere: from the files of a shared store or snapshot at a URL, or from a site, page by page.

Only what is new is read. Each chunk is checked against the hash in the manifest, each entry by its own, before it is kept; how
far it has come is remembered chunk by chunk, so that what was broken off goes on from there.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from jitnas_fn.client.remote import Missing, Remote
from jitnas_fn.client.sync_snapshot import read_snapshot
from jitnas_fn.client.synced import Progress, Show, Synced
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.core.errors import EnvelopeError, JitnasError, SiteUnavailable, StoreError
from jitnas_fn.core.interfaces import Cursor, Store
from jitnas_fn.stores.catalogue import CHUNK_BYTES, MANIFEST, MAX_CATALOGUE_BYTES, SCHEMA, Catalogue, Part, located
from jitnas_fn.stores.snapshot import SCHEMA as SNAPSHOT
from jitnas_fn.worker.entry import run_task

PAGE_BYTES = 4_000_000
ANSWER_SECONDS = 60.0
ATTEMPTS = 3  # with a newer manifest each, where a store is merged while it is read


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk that is to be read: `size` bytes of a file from `start` on, after which so many lines of a writer are seen."""

    writer: str
    path: str
    start: int
    size: int
    sha256: str
    seen: int


def from_url(url: str, store: Store, *, show: Show, progress: Progress) -> Synced:
    """Fill `store` from a shared store, or snapshot, at a URL.

    Raises
    ------
    StoreError
        If there is none, or what is there does not have the hashes that it should.
    NewerVersion
        If a newer jitnas_fn wrote it. What it wrote is not kept.
    """
    remote = Remote(url)
    filling = _Filling(remote, store, show, progress, Synced(source=remote.name, reached=True, last=progress.last(remote.name)))
    for attempt in range(ATTEMPTS):
        try:
            return filling.filled()
        except SiteUnavailable as trouble:
            return replace(filling.done, reached=False, trouble=str(trouble))
        except _Moved:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


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

    def filled(self) -> Synced:
        """Read the manifest, and what is missing."""
        name = self.remote.name
        text, fields = _manifest(self.remote)
        if fields.get("schema") == SNAPSHOT:
            return read_snapshot(self.remote, self.store, self.done, manifest=fields, show=self.show, progress=self.progress)
        if fields.get("schema") != SCHEMA:
            raise StoreError(f"{name} is neither a {SCHEMA} nor a {SNAPSHOT}: its schema is {str(fields.get('schema'))[:40]!r}")
        cursor, catalogue = self.progress.cursor(name), Catalogue.from_json(text)
        pieces = [piece for path, begins, part in located(catalogue) for piece in _unseen(path, begins, part, cursor)]
        whole = self.done.bytes + sum(piece.size for piece in pieces)
        for piece in pieces:
            lines = self._content(piece).split(b"\n")[:-1]
            cursor = {**cursor, piece.writer: piece.seen}
            self.done = self.done.plus(self.store.take([line + b"\n" for line in lines]), piece.size)
            self.progress.reached(name, cursor, done=False)
            self.show(self.done.bytes, whole)
        self.progress.reached(name, cursor, done=True)
        return replace(self.done, as_of=catalogue.created, last=self.progress.last(name))

    def _content(self, piece: Piece) -> bytes:
        try:
            content = self.remote.read(piece.path, start=piece.start, size=piece.size)
        except Missing as reason:
            raise _Moved(f"{reason}, which its manifest names: synchronise again") from None
        if hashlib.sha256(content).hexdigest() != piece.sha256:
            raise _Moved(
                f"{piece.path} at {self.remote.name} does not have the content that its manifest says: synchronise again, and "
                "if that does not help, tell whoever looks after it"
            )
        return content


def _manifest(remote: Remote) -> tuple[str, Json]:
    try:
        content = remote.read(MANIFEST, start=0, size=MAX_CATALOGUE_BYTES + 1)
    except Missing:
        raise StoreError(
            f"there is no {MANIFEST} at {remote.name}: it is made there by `jitnas cache compact` or `jitnas cache publish`"
        ) from None
    text = content.decode("utf-8", errors="replace")
    return text, parse(text, max_bytes=MAX_CATALOGUE_BYTES, error=StoreError, what=f"manifest at {remote.name}")


def _unseen(path: str, begins: int, part: Part, cursor: Cursor) -> Iterator[Piece]:
    """The chunks of one writer after those that were seen; all of them if the cursor ends within one."""
    seen, edges = cursor.get(part.writer, 0), [0]
    for chunk in part.chunks:
        edges.append(edges[-1] + chunk.lines)
    skip = edges.index(seen) if seen in edges else 0
    if seen > edges[-1]:  # an older manifest than the one seen before
        return
    start = begins + sum(chunk.bytes for chunk in part.chunks[:skip])
    for chunk, end in zip(part.chunks[skip:], edges[skip + 1 :], strict=True):
        if chunk.bytes > CHUNK_BYTES + MAX_ENTRY_BYTES:
            raise StoreError(f"the manifest speaks of a chunk of {chunk.bytes:,} bytes, which is too large")
        yield Piece(part.writer, path, start, chunk.bytes, chunk.sha256, end)
        start += chunk.bytes


def from_site(control: Executor, store: Store, *, show: Show, progress: Progress) -> Synced:
    """Fill `store` from the store of the site that `control` leads to, for those who can reach nothing else."""
    done = Synced(source="site", reached=True, last=progress.last("site"))
    cursor = progress.cursor("site")
    try:
        while True:
            entries, cursor, size = _page(control, cursor)
            if not entries:
                break
            done = done.plus(store.take([canonical(entry).encode("ascii") + b"\n" for entry in entries]), size)
            progress.reached("site", cursor, done=False)
            show(done.bytes, None)
    except SiteUnavailable as trouble:
        return replace(done, reached=False, trouble=str(trouble))
    progress.reached("site", cursor, done=True)
    return replace(done, last=progress.last("site"))


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
    if entries and after == cursor:
        raise EnvelopeError("the site sends the same entries again and again")
    return entries, after, len(text)
