"""What a site answers to each verb. No exception leaves this file: a failure is an error in the reply."""

from collections.abc import Callable

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES, PROTOCOL, Envelope, error_fields
from jitnas_fn.core.errors import EnvelopeError, NotAllowed
from jitnas_fn.core.forecast import About
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import HASH, is_key
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.stores.leases import Held
from jitnas_fn.worker import flight, processes, runner
from jitnas_fn.worker.blocks import blocks
from jitnas_fn.worker.board import Board, Run, is_token
from jitnas_fn.worker.experience import expected
from jitnas_fn.worker.orders import Order, order_of
from jitnas_fn.worker.site import Site, current
from jitnas_fn.worker.versions import versions

MOST_KEYS = 10_000  # of one message
MOST_KEYS_ALONE = 100  # ... for each of which all files are looked through
PAGE_BYTES = 4_000_000  # of entries in one reply: a hosted service takes 10 MB


def answer(text: str) -> str:
    """The reply to one message, both JSON text."""
    verb = "ping"
    try:
        request = Envelope.from_json(text)
        verb = request.verb
        return Envelope(verb, VERBS[verb](request, current())).to_json()
    except Exception as error:  # noqa: BLE001  a site answers whatever it is sent
        return Envelope(verb, {}, error_fields(error)).to_json()


def _hello(request: Envelope, site: Site) -> Json:
    return {
        "site": site.name,
        "protocols": [PROTOCOL],
        "versions": versions(),
        "datasets": {name: shelf.take("datasets", name).DATASET.sha256 for name in shelf.names("datasets")},
        "payloads": list(site.accepts),
        "limits": {
            "seconds": site.seconds,
            "memory_bytes": site.memory_bytes,
            "threads": site.cores(),
            "payload_bytes": MAX_PAYLOAD_BYTES,
        },
    }


def _ping(request: Envelope, site: Site) -> Json:
    """Nothing; with `processes`, which processes of the endpoint live that may have messages of whoever asks."""
    return {"processes": processes.told(site.where())} if request.body.get("processes") else {}


def _lookup(request: Envelope, site: Site) -> Json:
    """The record of each key, as many as fit into one answer.

    With `in_flight`, who trains it now; with `runs` too, who else has asked for it, or that whoever asks here is the one.
    """
    results, size = [], 0
    leases = flight.leases_of(site.store, site.name) if request.body.get("in_flight") and site.store is not None else None
    keys = _keys(request)
    for key, run in zip(keys, _runs(request, len(keys)), strict=True):
        record = None if site.store is None or size > PAGE_BYTES else site.store.get(key)
        found: Json = {"key": key, "record": None if record is None else record.to_dict()}
        if record is not None:
            size += len(canonical(found))
        elif size > PAGE_BYTES:
            found["left_out"] = True
        if request.body.get("in_flight"):
            held = leases.holder(key) if leases is not None and HASH.fullmatch(key) else None
            found["in_flight"] = _queued(key, run, site) if held is None and record is None else _told_of(held)
        results.append(found)
    return {"results": results}


def _since(request: Envelope, site: Site) -> Json:
    cursor = request.body.get("cursor") or {}
    if not isinstance(cursor, dict) or not all(type(count) is int and count >= 0 for count in cursor.values()):
        raise EnvelopeError("cursor is a JSON object: writer → number of its entries seen")
    most = request.body.get("max_bytes", PAGE_BYTES)
    if type(most) is not int or most <= 0:
        raise EnvelopeError("max_bytes is a whole number above 0")
    entries, now = ([], cursor) if site.store is None else site.store.since(cursor, max_bytes=min(most, PAGE_BYTES))
    return {"entries": [entry.to_dict() for entry in entries], "cursor": now}


def _status(request: Envelope, site: Site) -> Json:
    """Where each run stands, and with `about` how long the like took. Of one that is not here yet, how the jobs are."""
    board, results = Board(site.place()), []
    asked = _keys_and_runs(request)
    for (key, token), about in zip(asked, _abouts(request, len(asked)), strict=True):
        status = board.read(key, token)
        if site.slurm and (about is not None or status["state"] == "unknown"):
            status = {**status, "blocks": blocks()}
        if about is not None:
            known = None if site.store is None else expected(about, site.store, site=site.name)
            status = {**status, "site": site.name, "expected": known}
        results.append(status)
    return {"results": results}


def _cancel(request: Envelope, site: Site) -> Json:
    board, tickets = Board(site.place()), site.tickets()
    asked = _keys_and_runs(request)
    for key, token in asked:
        tickets.release(key, token or "")
    return {"results": [board.cancel(key, token) for key, token in asked]}


def _train(request: Envelope, site: Site) -> Json:
    if not processes.trains():
        raise NotAllowed(f"this is the control path of site {site.name!r}: it trains nothing; the profile for that is train")
    items, board = request.items("tasks"), Board(site.place())
    runs = [_run_of(item) for item in items]
    waiting = [run for run in runs if run is not None]
    for run in waiting:
        board.begin(run)
    try:
        return {"results": [_result(item, run, site=site, board=board) for item, run in zip(items, runs, strict=True)]}
    finally:
        for run in waiting:
            board.clear(run)
            site.tickets().release(run.key, run.token)


def _run_of(item: object) -> Run | None:
    """The run that an item asks for; None if its key or its run has not the form, for which `_result` refuses it."""
    key, token = (item.get("key"), item.get("run")) if isinstance(item, dict) else (None, None)
    if not is_key(key) or not (token is None or is_token(token)):
        return None
    return Run.of(str(key)) if token is None else Run(str(key), str(token))


def _result(item: object, run: Run | None, *, site: Site, board: Board) -> Json:
    """One task's result: {key, record, source}, {key, in_flight} or {key, error}. The others have their turn all the same."""
    key = item.get("key") if isinstance(item, dict) else None
    known = key if is_key(key) else None
    try:
        order = order_of(item, site)
        if run is None:  # the key is a good one, or there were no order
            raise EnvelopeError("the run of a task is 32 hexadecimal digits, or null")
        found = _answered(order, run, site=site, board=board)
        if isinstance(found, Held):
            return {"key": known, "in_flight": _told_of(found)}
        record, source = found
        return {"key": known, "record": record.to_dict(), "source": source}
    except Exception as error:  # noqa: BLE001  typed errors and bugs alike travel back to who asked
        return {"key": known, "error": error_fields(error)}
    finally:
        if run is not None:
            board.clear(run)


def _answered(order: Order, run: Run, *, site: Site, board: Board) -> tuple[Record, str] | Held:
    """A task's record: that of the site's store, or trained here; or who trains it, of all who share the store."""

    def trained(token: int) -> Record:
        return runner.run(order, run, site=site, board=board, token=token)

    if site.store is None:
        return trained(0), "trained"
    return flight.trained_once(
        site.store,
        flight.leases_of(site.store, site.name),
        order.task.key,
        limits=order.limits,
        document=lambda: None if order.is_code else Architecture.from_document(order.payload["document"]).document,
        train=trained,
        once_kept=lambda record: runner.forget(record, site),
    )


def _queued(key: str, run: str | None, site: Site) -> Json | None:
    """Who else has asked for a training of this key, which has not begun; None if nobody has: then this run has."""
    silent = None if run is None else site.tickets().take(key, run)
    return None if silent is None else {"site": site.name, "silent_seconds": round(silent, 1), "queued": True}


def _told_of(held: Held | None) -> Json | None:
    """What others may know of who trains a key: the site, since when, and how long ago it gave its last sign of life [s]."""
    if held is None:
        return None
    site, since = (str(held.holder.get(name, ""))[:80] for name in ("site", "since"))
    return {"site": site, "since": since, "silent_seconds": round(held.age_seconds, 1)}


def _keys(request: Envelope) -> list[str]:
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


VERBS: dict[str, Callable[[Envelope, Site], Json]] = {
    "hello": _hello,
    "ping": _ping,
    "lookup": _lookup,
    "since": _since,
    "status": _status,
    "cancel": _cancel,
    "train": _train,
}
