"""What is known already: in the client's store, and at the site."""

from collections.abc import Iterable

from jitnas_fn.client.control import Ask, told
from jitnas_fn.client.request import Request
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record, answering
from jitnas_fn.core.task import Task


def known(store: Store, request: Request) -> Record | None:
    """The best record in `store` that answers the request; None if there is none."""
    return answering(store.replicates(request.task.key), request.limits)


def known_at(site: Ask | None, request: Request, *, store: Store) -> Record | None:
    """The site's record that answers the request; None if it has none or does not answer.

    Parameters
    ----------
    site
        Control path to it, None if there is none.
    request
        What is looked up.
    store
        Where what the site knows is kept from now on.
    """
    answer = told(site, "lookup", key=request.task.key)
    if answer is None or not isinstance(answer.get("record"), dict):
        return None
    try:
        record = Record.from_dict(answer["record"])
    except JitnasError:
        return None
    if record.parts != request.task.parts or not record.answers(request.limits):
        return None
    store.put(record)
    return record


def replicates(task: Task, records: Iterable[Record]) -> list[Record]:
    """The records of a task under any seed, in the order of seeds, and for each seed the best first."""
    same = [record for record in records if {**record.parts, "seed": task.seed} == task.parts]
    best_first = sorted(same, key=lambda record: record.order, reverse=True)
    return sorted(best_first, key=lambda record: int(record.parts["seed"]))
