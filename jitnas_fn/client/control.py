"""The cheap path beside the training: look-up, status and cancel never wait for a GPU."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from jitnas_fn.client.delivery import results_of, the_result
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import JitnasError, SiteUnavailable
from jitnas_fn.core.forecast import About
from jitnas_fn.worker.entry import run_task

ANSWER_SECONDS = 20.0
BATCH = 1000  # keys of one question


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked about.

    Attributes
    ----------
    key
        Of the task.
    run
        Which run of that key; None for any.
    about
        With "status": say also how long the like of it took.
    """

    key: str
    run: str | None = None
    about: About | None = None


Ask = Callable[[str, Sequence[Item]], list[Json]]


def in_process(verb: str, items: Sequence[Item]) -> list[Json]:
    """Ask the worker of this very process.

    Parameters
    ----------
    verb
        "lookup", "status" or "cancel".
    items
        What about.

    Returns
    -------
    list[Json]
        The result for each.

    Raises
    ------
    JitnasError
        Of the class that the answer names.
    """
    return results_of(run_task(_question(verb, items)), [item.key for item in items])


def through(control: Executor) -> Ask:
    """A function that asks a site like `in_process`; it raises `SiteUnavailable` if no answer comes within 20 s.

    Parameters
    ----------
    control
        Runs `run_task` where the site's store and status files are, without a GPU.
    """

    def ask(verb: str, items: Sequence[Item]) -> list[Json]:
        try:
            reply = control.submit(run_task, _question(verb, items)).result(ANSWER_SECONDS)
        except Exception as error:
            raise SiteUnavailable(f"no answer to {verb} from the site ({type(error).__name__}: {error})") from error
        return results_of(reply, [item.key for item in items])

    return ask


def _question(verb: str, items: Sequence[Item]) -> str:
    body: Json = {"keys": [item.key for item in items]}
    if any(item.run is not None for item in items):
        body["runs"] = [item.run for item in items]
    if any(item.about is not None for item in items):
        body["about"] = [None if item.about is None else item.about.to_dict() for item in items]
    return Envelope(verb, body).to_json()


def told(ask: Ask | None, verb: str, item: Item) -> Json | None:
    """What the control path answers; None where there is no such path, or it fails."""
    try:
        return None if ask is None else the_result(ask(verb, [item]))
    except JitnasError:
        return None


def told_of_all(ask: Ask | None, verb: str, items: Sequence[Item]) -> list[Json] | None:
    """As `told`, of many; None if any part of them is not answered."""
    try:
        starts = range(0, len(items), BATCH)
        return None if ask is None else [one for start in starts for one in ask(verb, items[start : start + BATCH])]
    except JitnasError:
        return None
