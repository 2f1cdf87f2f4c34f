"""What comes back over the wire, checked before anybody sees it."""

from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace

from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.core.errors import EnvelopeError, JitnasError, RecordError, SiteUnavailable, WorkerLost
from jitnas_fn.core.published import plan_in
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task


def received(reply: Future[str], task: Task) -> tuple[Record, str] | None:
    """The record that an executor's future brought, and where it came from.

    Parameters
    ----------
    reply
        Finished future of `run_task`.
    task
        What was asked for.

    Returns
    -------
    tuple[Record, str] | None
        The record, and "shared" if the site had it already, else "trained". None if it is being trained for somebody else.

    Raises
    ------
    JitnasError
        Of the class that the worker names, or `WorkerLost`, `SiteUnavailable`, `EnvelopeError`, `RecordError`.
    """
    if reply.cancelled():
        raise WorkerLost("the executor dropped this training before it ran; was it shut down?")
    failure = reply.exception()
    if failure is not None:
        error = typed(failure)
        if error is not failure:  # else it knows its cause
            error.__cause__ = failure
        raise error
    return found_in(only_result(reply.result(), task.key), task)


def found_in(result: Json, task: Task) -> tuple[Record, str] | None:
    """The same of the one result that is told of a task; raises as `received`."""
    if isinstance(result.get("error"), dict):
        raise raised(result["error"])
    if isinstance(result.get("in_flight"), dict):
        return None
    if not isinstance(result.get("record"), dict):
        raise EnvelopeError(f"the reply for key {task.key[:12]}… holds no record")
    record = Record.from_dict(result["record"])
    check_record(record, task)
    return record, "shared" if result.get("source") == "shared" else "trained"


def check_record(record: Record, task: Task) -> None:
    """Raise `RecordError` or `RecipeError` if a record is not one of the task, or does not say truly what it is of."""
    if record.key != task.key or record.parts != task.parts:
        raise RecordError(f"the worker was asked for key {task.key[:12]}… and answered with a record of {record.key[:12]}…")
    plan = plan_in(record.recipe)
    if (replace(plan, name=task.recipe.name) if isinstance(plan, Recipe) else plan) != task.recipe:
        raise RecordError(
            f"the record of key {task.key[:12]}… names another recipe than {task.recipe.name}, which was asked for"
        )
    if record.dataset.get("name") != task.dataset:
        met = str(record.dataset.get("name"))[:40]
        raise RecordError(f"the record of key {task.key[:12]}… names dataset {met!r}; {task.dataset!r} was asked for")


def only_result(reply: object, key: str) -> Json:
    """The one result in a reply to a request about `key`; raises as `results_of`, or the error that is told of this key."""
    return the_result(results_of(reply, [key]))


def the_result(results: list[Json]) -> Json:
    """The only one of them; raises the error that is told of it."""
    if isinstance(results[0].get("error"), dict):
        raise raised(results[0]["error"])
    return results[0]


def results_of(reply: object, keys: Sequence[str]) -> list[Json]:
    """The results in a reply to a request about `keys`, in their order.

    Raises
    ------
    EnvelopeError
        If the reply is no envelope or does not hold exactly one result for each key.
    JitnasError
        Of the class that the reply names, if the request failed.
    """
    if not isinstance(reply, str):
        raise EnvelopeError(f"a reply is JSON text, not {type(reply).__name__}")
    envelope = Envelope.from_json(reply)
    if envelope.error is not None:
        raise raised(envelope.error)
    results: list[Json] = envelope.items("results")
    if [one.get("key") if isinstance(one, dict) else None for one in results] != list(keys):
        expected = f"one result, for key {keys[0][:12]}…" if len(keys) == 1 else f"{len(keys)} results, one for each key"
        raise EnvelopeError(f"the reply does not hold exactly {expected}")
    return results


def typed(failure: BaseException) -> JitnasError:
    """An executor's own exception as one of ours; `run_task` itself never raises."""
    told = f"{type(failure).__name__}: {_words(failure)}"
    match failure:
        case JitnasError():
            return failure
        case BrokenExecutor():
            return WorkerLost(f"the executor broke ({told}); make a new one")
        case OSError():
            return SiteUnavailable(f"the executor cannot be reached ({told})")
        case _:
            return JitnasError(f"the executor failed ({told})")


def _words(failure: BaseException) -> str:
    """What a foreign exception says, if it can say it."""
    try:
        return str(failure)[:2000]
    except Exception:  # noqa: BLE001  whatever its own code raises
        return "without words"
