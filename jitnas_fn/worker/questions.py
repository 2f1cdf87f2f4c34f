"""Questions to a site, answered from its store, its leases, its tickets and its board: no GPU is needed for any."""

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import EnvelopeError, NotAllowed
from jitnas_fn.core.forecast import About
from jitnas_fn.core.task import HASH, is_key
from jitnas_fn.stores.leases import Held
from jitnas_fn.worker import flight, processes
from jitnas_fn.worker.blocks import blocks
from jitnas_fn.worker.board import Board, Run, is_token
from jitnas_fn.worker.experience import expected
from jitnas_fn.worker.site import Site

MOST_KEYS = 10_000  # of one message
MOST_KEYS_ALONE = 100  # ... for each of which all files are looked through
PAGE_BYTES = 4_000_000  # of entries in one reply: a hosted service takes 10 MB


def lookup(request: Envelope, site: Site) -> Json:
    """The record of each key, as many as fit into one answer.

    With `in_flight`, who trains it now; with `runs` too, how that run has ended, or who else has asked for it, or that whoever
    asks here is the one.
    """
    results, size, asks_who = [], 0, bool(request.body.get("in_flight"))
    leases = flight.leases_of(site.store, site.name) if asks_who and site.store is not None else None
    keys, tickets, outcomes = _keys(request), site.tickets(), site.outcomes()
    for key, run in zip(keys, _runs(request, len(keys)), strict=True):
        if size > PAGE_BYTES:
            results.append({"key": key, "record": None, "left_out": True})
            continue
        record = None if site.store is None else site.store.get(key)
        found: Json = {"key": key, "record": None if record is None else record.to_dict()}
        if asks_who:
            held = leases.holder(key) if leases is not None and HASH.fullmatch(key) else None
            found["in_flight"] = told_of(held)
            if run is not None and (ended := outcomes.of(Run(key, run))) is not None:
                found["ended"] = ended
            elif run is not None and record is None and held is None and (silent := tickets.take(key, run)) is not None:
                found["in_flight"] = _queued(site, silent)
        size += len(canonical(found)) if record is not None or "ended" in found else 0
        results.append(found)
    return {"results": results}


def since(request: Envelope, site: Site) -> Json:
    """A page of the store's log behind a cursor, and the cursor behind it."""
    cursor = request.body.get("cursor") or {}
    if not isinstance(cursor, dict) or not all(type(count) is int and count >= 0 for count in cursor.values()):
        raise EnvelopeError("cursor is a JSON object: writer → number of its entries seen")
    most = request.body.get("max_bytes", PAGE_BYTES)
    if type(most) is not int or most <= 0:
        raise EnvelopeError("max_bytes is a whole number above 0")
    entries, now = ([], cursor) if site.store is None else site.store.since(cursor, max_bytes=min(most, PAGE_BYTES))
    return {"entries": [entry.to_dict() for entry in entries], "cursor": now}


def status(request: Envelope, site: Site) -> Json:
    """Where each run stands, and with `about` how long the like took. Of one that is not here yet, how the jobs are."""
    board, results = Board(site.place()), []
    asked = _keys_and_runs(request)
    for (key, token), about in zip(asked, _abouts(request, len(asked)), strict=True):
        status = board.read(key, token)
        if token is None and not processes.trains():  # whoever knows the key alone shall not learn what stops the run
            status = {name: value for name, value in status.items() if name != "run"}
        if site.slurm and (about is not None or status["state"] == "unknown"):
            status = {**status, "blocks": blocks()}
        if about is not None:
            known = None if site.store is None else expected(about, site.store, site=site.name)
            status = {**status, "site": site.name, "expected": known}
        results.append(status)
    return {"results": results}


def cancel(request: Envelope, site: Site) -> Json:
    """Have runs stopped, and their tickets given back.

    Over the control path of an endpoint, which many may share, whoever stops a run has to know its token.
    """
    board, tickets, asked = Board(site.place()), site.tickets(), _keys_and_runs(request)
    if not processes.trains() and any(token is None for _, token in asked):
        raise NotAllowed(f"over the control path of site {site.name!r} a run is stopped by its token, not by its key alone")
    for key, token in asked:
        tickets.release(key, token or "")
    return {"results": [board.cancel(key, token) for key, token in asked]}


def _queued(site: Site, silent_seconds: float) -> Json:
    """What is told of a training that somebody else has asked for, and that has not begun."""
    return {"site": site.name, "silent_seconds": round(silent_seconds, 1), "queued": True}


def told_of(held: Held | None) -> Json | None:
    """What others may know of who trains a key: the site, since when, and how long ago it gave its last sign of life [s]."""
    if held is None:
        return None
    site, since = (str(held.holder.get(name, ""))[:80] for name in ("site", "since"))
    return {"site": site, "since": since, "silent_seconds": round(held.age_seconds, 1)}


def _keys(request: Envelope) -> list[str]:
    """What is asked about, each of the form of a key."""
    keys = request.items("keys")
    if len(keys) > MOST_KEYS:
        raise EnvelopeError(f"a message asks about {MOST_KEYS:,} keys at most, not {len(keys):,}")
    for key in keys:
        if not is_key(key):
            raise EnvelopeError(f"a key is 64 hexadecimal digits or opaque-<uuid>, not {str(key)[:80]!r}")
    return keys


def _keys_and_runs(request: Envelope) -> list[tuple[str, str | None]]:
    """Each key with the token of its run, or with None where any run of that key is meant."""
    keys = _keys(request)
    if request.body.get("runs") is None and len(keys) > MOST_KEYS_ALONE:
        raise EnvelopeError(f"without runs, a message asks about {MOST_KEYS_ALONE} keys at most, not {len(keys):,}")
    return list(zip(keys, _runs(request, len(keys)), strict=True))


def _runs(request: Envelope, count: int) -> list[str | None]:
    """The token of each key's run, None where no run is named."""
    tokens = request.body.get("runs")
    if tokens is None:
        return [None] * count
    if not isinstance(tokens, list) or len(tokens) != count:
        raise EnvelopeError(f"runs is null or a list as long as keys, which has {count}")
    for token in tokens:
        if not (token is None or is_token(token)):
            raise EnvelopeError(f"a run is 32 hexadecimal digits or null, not {str(token)[:80]!r}")
    return tokens


def _abouts(request: Envelope, count: int) -> list[About | None]:
    """What each key is about, or None for each."""
    told = request.body.get("about")
    if told is None:
        return [None] * count
    if not isinstance(told, list) or len(told) != count:
        raise EnvelopeError(f"about is null or a list as long as keys, which has {count}")
    return [About.from_dict(one) for one in told]
