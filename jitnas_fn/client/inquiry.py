"""Asking a site after many tasks in one question: whether there is a record, and whether anybody trains it now."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future

from jitnas_fn.client.flight import Flight
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.worker.entry import run_task

BATCH = 500  # keys of one question

Take = Callable[[Flight, Json], None]


def ask_after(flights: Sequence[Flight], executor: Executor, *, take: Take) -> None:
    """Ask, and return at once. A question that is not answered, or badly, is as if it had not been asked.

    Parameters
    ----------
    flights
        What is asked after.
    executor
        Asks the site.
    take
        Called from any thread with each flight and what the site says of it: {key, record, in_flight}.
    """
    for start in range(0, len(flights), BATCH):
        batch = flights[start : start + BATCH]
        keys = list(dict.fromkeys(flight.request.task.key for flight in batch))
        question = Envelope("lookup", {"keys": keys, "in_flight": True}).to_json()
        executor.submit(run_task, question).add_done_callback(_telling(batch, take))


def _telling(flights: Iterable[Flight], take: Take) -> Callable[[Future[str]], None]:
    def told(reply: Future[str]) -> None:
        for flight, answer in _answers(flights, reply):
            take(flight, answer)

    return told


def _answers(flights: Iterable[Flight], reply: Future[str]) -> Iterator[tuple[Flight, Json]]:
    try:
        envelope = Envelope.from_json(reply.result())
        if envelope.error is not None:
            raise raised(envelope.error)
        answers = {answer["key"]: answer for answer in envelope.items("results")}
    except Exception:  # noqa: BLE001  whatever went wrong there
        return
    for flight in flights:
        answer = answers.get(flight.request.task.key)
        if answer is not None and not answer.get("left_out"):
            yield flight, answer
