"""What a site answers to each verb. No exception leaves this file: a failure is an error in the reply."""

from collections.abc import Callable

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES, PROTOCOL, Envelope, error_fields
from jitnas_fn.core.errors import EnvelopeError
from jitnas_fn.core.record import answering
from jitnas_fn.core.task import is_key
from jitnas_fn.worker import runner
from jitnas_fn.worker.board import Board
from jitnas_fn.worker.orders import order_of
from jitnas_fn.worker.site import Site, current
from jitnas_fn.worker.versions import versions


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
    return {}


def _lookup(request: Envelope, site: Site) -> Json:
    results: list[Json] = []
    for key in _keys(request):
        record = None if site.store is None else site.store.get(key)
        results.append({"key": key, "record": None if record is None else record.to_dict()})
    return {"results": results}


def _since(request: Envelope, site: Site) -> Json:
    cursor = request.body.get("cursor") or {}
    if not isinstance(cursor, dict) or not all(type(count) is int and count >= 0 for count in cursor.values()):
        raise EnvelopeError("cursor is a JSON object: writer → number of its entries seen")
    entries, now = ([], cursor) if site.store is None else site.store.since(cursor)
    return {"entries": [entry.to_dict() for entry in entries], "cursor": now}


def _status(request: Envelope, site: Site) -> Json:
    board = Board(site.place())
    return {"results": [board.read(key) for key in _keys(request)]}


def _cancel(request: Envelope, site: Site) -> Json:
    board = Board(site.place())
    return {"results": [board.cancel(key) for key in _keys(request)]}


def _train(request: Envelope, site: Site) -> Json:
    items, board = request.items("tasks"), Board(site.place())
    keys = [item.get("key") if isinstance(item, dict) else None for item in items]
    waiting = [key for key in keys if is_key(key)]
    for key in waiting:
        board.show(str(key), "queued")
    try:
        return {"results": [_result(item, key, site=site, board=board) for item, key in zip(items, keys, strict=True)]}
    finally:
        for key in waiting:
            board.clear(str(key))


def _result(item: object, key: object, *, site: Site, board: Board) -> Json:
    """One task's result: {key, record, source} or {key, error}. Whatever becomes of it, the others have their turn."""
    known = key if is_key(key) else None
    try:
        order = order_of(item, site)
        found = None if site.store is None else answering(site.store.replicates(order.task.key), order.limits)
        if found is not None:
            return {"key": known, "record": found.to_dict(), "source": "shared"}
        record = runner.run(order, site=site, board=board)
        if site.store is not None:
            site.store.put(record)
        return {"key": known, "record": record.to_dict(), "source": "trained"}
    except Exception as error:  # noqa: BLE001  typed errors and bugs alike travel back to who asked
        return {"key": known, "error": error_fields(error)}
    finally:
        if known is not None:
            board.clear(str(known))


def _keys(request: Envelope) -> list[str]:
    keys = request.items("keys")
    for key in keys:
        if not is_key(key):
            raise EnvelopeError(f"a key is 64 hexadecimal digits or opaque-<uuid>, not {str(key)[:80]!r}")
    return keys


VERBS: dict[str, Callable[[Envelope, Site], Json]] = {
    "hello": _hello,
    "ping": _ping,
    "lookup": _lookup,
    "since": _since,
    "status": _status,
    "cancel": _cancel,
    "train": _train,
}
