"""What a site answers to each verb. No exception leaves this file: a failure is an error in the reply."""

from collections.abc import Callable

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES, PROTOCOL, Envelope, error_fields
from jitnas_fn.core.errors import EnvelopeError, NotAllowed
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import is_key
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.stores.leases import Held
from jitnas_fn.worker import flight, processes, questions, runner
from jitnas_fn.worker.board import Board, Run, is_token
from jitnas_fn.worker.orders import Order, order_of
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
    """Nothing; with `processes`, which of the endpoint live that may have messages of whoever asks, sent with these options."""
    options = request.body.get("processes")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise EnvelopeError("processes is null or a JSON object: the options that their messages were sent with")
    return {"processes": processes.told(site.where(), options)}


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
        return _ended(order, run, site=site, board=board)
    except Exception as error:  # noqa: BLE001  what is wrong with an item travels back to who asked
        return {"key": known, "error": error_fields(error)}
    finally:
        if run is not None:
            board.clear(run)


def _ended(order: Order, run: Run, *, site: Site, board: Board) -> Json:
    """How a run ends, or has ended when its message came before. What the site's store does not know is kept."""
    key, outcomes = order.task.key, site.outcomes()
    if (earlier := outcomes.of(run)) is not None:
        return earlier
    try:
        found = _answered(order, run, site=site, board=board)
    except Exception as error:  # noqa: BLE001  typed errors and bugs alike
        result: Json = {"key": key, "error": error_fields(error)}
    else:
        if isinstance(found, Held):
            return {"key": key, "in_flight": questions.told_of(found)}
        result = {"key": key, "record": found[0].to_dict(), "source": found[1]}
        if site.store is not None and site.store.get(key) is not None:
            return result
    if site.folder is not None:  # else this is a person's own machine, and nobody asks later
        outcomes.keep(run, result)
    return result


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


VERBS: dict[str, Callable[[Envelope, Site], Json]] = {
    "hello": _hello,
    "ping": _ping,
    "lookup": questions.lookup,
    "since": questions.since,
    "status": questions.status,
    "cancel": questions.cancel,
    "train": _train,
}
