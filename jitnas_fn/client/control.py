"""The cheap path beside the training: look-up, status and cancel never wait for a GPU."""

from collections.abc import Callable
from concurrent.futures import Executor

from jitnas_fn.client.delivery import only_result
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import JitnasError, SiteUnavailable
from jitnas_fn.core.forecast import About
from jitnas_fn.worker.entry import run_task

ANSWER_SECONDS = 20.0

Ask = Callable[[str, str, str | None, About | None], Json]


def in_process(verb: str, key: str, run: str | None = None, about: About | None = None) -> Json:
    """Ask the worker of this very process.

    Parameters
    ----------
    verb
        "lookup", "status" or "cancel".
    key
        What about.
    run
        Which run of that key; None for any.
    about
        With "status": say also how long the like of it took.

    Returns
    -------
    Json
        The result for that key.

    Raises
    ------
    JitnasError
        Of the class that the answer names.
    """
    return only_result(run_task(_question(verb, key, run, about)), key)


def through(control: Executor) -> Ask:
    """A function that asks a site like `in_process`; it raises `SiteUnavailable` if no answer comes within 20 s.

    Parameters
    ----------
    control
        Runs `run_task` where the site's store and status files are, without a GPU.
    """

    def ask(verb: str, key: str, run: str | None = None, about: About | None = None) -> Json:
        try:
            reply = control.submit(run_task, _question(verb, key, run, about)).result(ANSWER_SECONDS)
        except Exception as error:
            raise SiteUnavailable(f"no answer to {verb} from the site ({type(error).__name__}: {error})") from error
        return only_result(reply, key)

    return ask


def _question(verb: str, key: str, run: str | None, about: About | None) -> str:
    named = {} if run is None else {"runs": [run]}
    more = {} if about is None else {"about": [about.to_dict()]}
    return Envelope(verb, {"keys": [key], **named, **more}).to_json()


def told(ask: Ask | None, verb: str, *, key: str, run: str | None = None, about: About | None = None) -> Json | None:
    """What the control path answers; None where there is no such path, or it fails."""
    try:
        return None if ask is None else ask(verb, key, run, about)
    except JitnasError:
        return None
