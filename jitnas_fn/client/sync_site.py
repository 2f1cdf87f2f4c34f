"""Filling a cache from a site, page by page through its endpoint, for those who can reach nothing else.

Each entry is checked by its own hash before it is kept; how far it has come is remembered page by page.
"""

import re
from concurrent.futures import Executor
from dataclasses import replace

from jitnas_fn.client.synced import Progress, Show, Synced
from jitnas_fn.core.codec import canonical
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.core.errors import EnvelopeError, JitnasError, SiteUnavailable
from jitnas_fn.core.interfaces import Cursor, Store
from jitnas_fn.worker.entry import run_task

PAGE_BYTES = 4_000_000
PAGES_WITHOUT_NEWS = 10_000  # in a row, after which a site is not believed any longer
MAX_NAMES, MAX_NAME_CHARACTERS = 500_000, 100  # in a cursor: the memory of it stays readable
_LAST_LINE = re.compile(r"\.[0-9a-f]{16}\Z")
ANSWER_SECONDS = 60.0


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
