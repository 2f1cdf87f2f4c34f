"""The two profiles of an endpoint as executors: trainings, and the questions beside them. Needs the SDK."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, cast

from jitnas_fn.backends._globus.function import NAME
from jitnas_fn.backends._globus.letter import Letter
from jitnas_fn.backends._globus.memory import Carried, Memory
from jitnas_fn.backends._globus.outbox import MOST_BYTES
from jitnas_fn.backends._globus.pace import PACE
from jitnas_fn.backends._globus.post import Post
from jitnas_fn.backends._globus.service import Service, let_go
from jitnas_fn.backends._globus.watch import Watch
from jitnas_fn.core.at_exit import at_exit, not_at_exit
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import PayloadTooLarge, TaskError

PATIENCE_SECONDS = 600.0  # for which a training is kept that the service does not take, before the client hears of it
CONTROL_PATIENCE_SECONDS = 30.0  # the same, of a question


def executor_at(endpoint: str, *, options: Json, function: str | None, folder: Path) -> Executor:
    """The executor of an endpoint.

    Parameters
    ----------
    endpoint, function
        Ids; None for the function that the endpoint allows, or one of this person's own.
    options
        Of the train profile.
    folder
        Where is kept what another process may need.
    """
    service = Service(endpoint, function=function, folder=folder)
    return _Train(service, options=options, memory=Memory(folder / endpoint))


class _Train(Executor):
    """The train profile of an endpoint behind the interface of `concurrent.futures`."""

    def __init__(self, service: Service, *, options: Json, memory: Memory) -> None:
        self._service, self._memory = service, memory
        self.control = _Control(service)
        self._post = Post(
            service,
            {**options, "profile": "train"},
            pace=PACE,
            patience_seconds=PATIENCE_SECONDS,
            accepted=self._accepted,
        )
        self._watch = Watch(self.control.ask, options=options, again=self._post.again, ask_after=self._post.ask_after)
        self.place: Json = {"backend": "globus_compute", "endpoint": service.endpoint, "options": options}
        at_exit(self._let_go, last=True)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **given: Any) -> "Future[Any]":
        """Send a message to be trained. One that an earlier process has sent is waited for, not sent again."""
        letter = _letter(fn, args, given, self._service)
        letter.add_done_callback(self._forget)  # before anybody's who may end the process
        carried = self._memory.recall(letter.digest)
        if carried is None:
            self._post.send([letter])
        else:
            self._post.take_up(letter, task=carried.task, age_seconds=carried.age_seconds)
        return letter

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  the interface's
        """Let go of the service, after what is under way if `wait`. What is under way goes on at the site."""
        not_at_exit(self._let_go)
        if wait and not cancel_futures:
            self._post.wait()
        self._post.close()
        self.control.shutdown(wait=False)

    def _let_go(self) -> None:
        """Before the interpreter ends: wait for nothing. What is under way stays so; a later process takes it up."""
        self._post.let_go()
        self.control.let_go()
        let_go()

    def _accepted(self, letters: Sequence[Letter]) -> None:
        self._memory.note({one.digest: Carried(str(one.task), one.age_seconds) for one in letters})
        self._watch.add(letters)

    def _forget(self, done: "Future[str]") -> None:
        letter = cast("Letter", done)
        if not letter.left:
            self._memory.forget(letter.digest)


class _Control(Executor):
    """The control profile of the same endpoint."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._post = Post(
            service,
            {"profile": "control"},
            pace=PACE,
            patience_seconds=CONTROL_PATIENCE_SECONDS,
            accepted=lambda _: None,
        )

    def submit(self, fn: Callable[..., Any], /, *args: Any, **given: Any) -> "Future[Any]":
        """Send a question."""
        letter = _letter(fn, args, given, self._service)
        self._post.send([letter])
        return letter

    def prepare(self) -> None:
        """Log in, if nobody has tried yet, in this thread: there a person can be asked."""
        self._service.log_in_once()

    def let_go(self) -> None:
        """Before the interpreter ends: carry nothing any more."""
        self._post.let_go()

    def ask(self, text: str) -> "Future[str]":
        """Send a question of our own."""
        letter = Letter(text, self._service.size_of(text))
        self._post.send([letter])
        return letter

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  the interface's
        """Let go of the service."""
        if wait and not cancel_futures:
            self._post.wait()
        self._post.close()


def _letter(fn: Callable[..., Any], args: Sequence[Any], given: Mapping[str, Any], service: Service) -> Letter:
    """The letter that `submit` is called for."""
    if getattr(fn, "__name__", None) != NAME or len(args) != 1 or given or not isinstance(args[0], str):
        raise TaskError(f"an endpoint runs one function, {NAME}, on one text; this was {getattr(fn, '__name__', fn)!s:.40}")
    letter = Letter(args[0], service.size_of(args[0]))
    if letter.size > MOST_BYTES:
        raise PayloadTooLarge(
            f"this message takes {letter.size / 1e6:.1f} MB on its way to the endpoint; {MOST_BYTES / 1e6:.0f} MB is the most"
        )
    service.log_in_once()
    return letter
