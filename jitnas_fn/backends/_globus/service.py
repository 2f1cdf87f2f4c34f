"""The hosted service as one person sees it: a login, the function, and links that carry messages. Imports the SDK when used."""

import logging
import random
import sys
import threading
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jitnas_fn.backends._globus import function as task_function
from jitnas_fn.backends._globus.failures import failure_of, lasting, passes, refusal
from jitnas_fn.backends._globus.sending import Link, ours
from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.errors import EnvelopeError, JitnasError, NotAllowed, SiteUnavailable

log = logging.getLogger("jitnas_fn.globus")
MOST_TASKS = 500  # asked after in one request
MOST_ALONE = 5  # asked after one by one at a time; the others have their turn the next time
OVERHEAD_BYTES = 64  # of lengths, brackets and the empty keywords around a message
_draws = random.Random()  # everybody's generator is that of the models that are traced meanwhile
Outcome = str | JitnasError | None  # the answer, the error, or None while it is pending


class Service:
    """Everything that is asked of the service for one endpoint.

    Parameters
    ----------
    endpoint
        Its id, a UUID.
    function
        Id of the registered function; None for the one that the endpoint allows, or else one of this person's own.
    folder
        Where the id of one's own is kept.
    """

    def __init__(self, endpoint: str, *, function: str | None, folder: Path) -> None:
        self.endpoint, self._folder = endpoint, folder
        self._function = function
        self._client: Any = None
        self._tried = False
        self._lock = threading.RLock()

    def log_in(self) -> None:
        """Have a login, asking for one where a person can be asked. Raises what the SDK raises."""
        with self._lock:
            if self._client is None:
                self._client = _client()

    def log_in_once(self) -> None:
        """The same before the first message, in the thread of whoever sends it: there a person can be asked.

        What may pass is tried again by whoever carries the message; what will not is raised as an error of ours.
        """
        with self._lock:
            tried, self._tried = self._tried, True
        if not tried:
            try:
                self.log_in()
            except Exception as failure:
                if not passes(failure):
                    raise refusal(failure) from failure

    def link(self, options: Json) -> Link:
        """A new way for messages, to the user endpoint of these options. Raises what the SDK raises, or `NotAllowed`."""
        from globus_compute_sdk import Executor
        from globus_compute_sdk.serialize import JSONData

        with self._lock:
            self.log_in()
            if self._function is None:
                self._function = self._find_function()
            executor = Executor(
                self.endpoint,
                client=self._client,
                user_endpoint_config=options,
                result_serializers=[JSONData()],  # type: ignore[no-untyped-call]
                batch_size=100_000,  # what is sent together is decided by the post
                api_burst_limit=8,
                api_burst_window_s=1,  # and so is the pace
            )
            return Link(executor, self._function)

    def size_of(self, text: str) -> int:
        """Bytes that a message takes in a request."""
        return len(canonical(canonical(text))) + OVERHEAD_BYTES

    def register_anew(self) -> None:
        """Register the function under this person's own name: what was known by its id is not there, or is another's."""
        with self._lock:
            self._function = task_function.registered(self._client, folder=self._folder, anew=True)

    def outcomes(self, tasks: Iterable[str]) -> dict[str, Outcome]:
        """What became of tasks. Those that the service does not know any more are left out."""
        self.log_in()
        asked = list(tasks)
        found: dict[str, Outcome] = {}
        for start in range(0, len(asked), MOST_TASKS):
            told = self._client.get_batch_result(asked[start : start + MOST_TASKS])
            found |= {task: _outcome(status) for task, status in told.items()}
        left_out = [task for task in asked if task not in found]  # by the SDK: those that failed
        alone = _draws.sample(left_out, min(MOST_ALONE, len(left_out)))
        for task in alone:
            with suppress(LookupError):
                found[task] = self._alone(task)
        return {**dict.fromkeys(set(left_out).difference(alone)), **found}

    def _alone(self, task: str) -> Outcome:
        import globus_sdk
        from globus_compute_sdk.errors import SerdeError, TaskExecutionFailed

        try:
            return _outcome(self._client.get_task(task))
        except TaskExecutionFailed as failure:
            return failure_of(failure)
        except SerdeError as failure:
            return EnvelopeError(f"the answer that the service kept cannot be read ({failure})")
        except globus_sdk.GlobusError as failure:
            if isinstance(failure, globus_sdk.GlobusAPIError) and failure.http_status == 404:
                raise LookupError(task) from None
            log.debug("the service does not say what became of task %s: %s", task, failure)
            return None  # the others have their turn all the same

    def _find_function(self) -> str:
        """The function that the endpoint allows, if it allows but some; else one of this person's own."""
        allowed = self._client.get_allowed_functions(self.endpoint)
        if not allowed.get("restricted"):
            return task_function.registered(self._client, folder=self._folder)
        ours = [one for one in allowed.get("functions") or [] if self._is_ours(one)]
        if not ours:
            raise NotAllowed(
                f"endpoint {self.endpoint} allows only certain functions, and {task_function.NAME} of jitnas_fn is none of "
                "them: its administrator runs jitnas site register"
            )
        return str(ours[-1])

    def _is_ours(self, function: str) -> bool:
        import globus_sdk

        try:
            return bool(self._client.get_function(function).get("function_name") == task_function.NAME)
        except globus_sdk.GlobusAPIError as failure:
            if failure.http_status not in (403, 404):  # one that we may not see is none of ours
                raise
            return False


def let_go() -> None:
    """Wait for no answer to our messages in this process any more.

    The SDK waits for answers in threads that keep the interpreter from ending, also for what may never come. Only its own list
    knows them, and who else uses the SDK here has answers among them.
    """
    sdk = sys.modules.get("globus_compute_sdk.sdk.executor")
    for watcher in list(getattr(sdk, "_RESULT_WATCHERS", {}).values()):
        waited_for = watcher.get_open_futures()
        if all(reply in ours for reply in waited_for.values()):
            watcher.shutdown(wait=False, cancel_futures=True)
            continue
        with watcher._new_futures_lock:
            for task in [task for task, reply in waited_for.items() if reply in ours]:
                watcher._open_futures.pop(task, None)


def _client() -> Any:
    # It warns that other versions of Python and dill cannot read what is sent: JSON and plain source they can.
    warnings.filterwarnings("ignore", r"\s*Environment differences detected", UserWarning)
    # Where nobody has said what becomes of logs, their tracebacks of each lost connection would end on the screen.
    for name in ("globus_compute_sdk", "globus_sdk", "pika"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    from globus_compute_sdk import Client
    from globus_compute_sdk.serialize import JSONData, PureSourceTextInspect

    try:
        return Client(
            code_serialization_strategy=PureSourceTextInspect(),
            data_serialization_strategy=JSONData(),  # type: ignore[no-untyped-call]
        )
    except EOFError:
        raise lasting(
            SiteUnavailable("nobody is logged in to Globus, and nobody can be asked here: run jitnas site login in a terminal")
        ) from None


def _outcome(status: Json) -> Outcome:
    if status.get("pending", True):
        return None
    answer = status.get("result")
    return answer if isinstance(answer, str) else refusal(RuntimeError(f"no answer was kept ({status.get('reason')})"))
