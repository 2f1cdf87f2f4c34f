"""What is known already: in the client's store, and at the site."""

import warnings

from jitnas_fn.client.control import Ask, Item, told
from jitnas_fn.client.delivery import check_record
from jitnas_fn.client.glimpse import glimpsed
from jitnas_fn.client.request import Request
from jitnas_fn.core.codec import Json
from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record, answering
from jitnas_fn.core.task import Task


def known(store: Store, request: Request) -> Record | None:
    """The best record in `store` that answers the request; None if there is none."""
    standing = store.get(request.task.key)
    if standing is None or standing.answers(request.limits):  # the best of all is the best of those that answer
        return standing
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
    record = fitting(told(site, "lookup", Item(request.task.key)), request)
    if record is not None:
        keep(store, request, record)
    return record


def keep(store: Store, request: Request, record: Record) -> None:
    """Keep a record and the architecture that it is of; a store that fails loses no result, and is told of in a warning.

    What others have published stays in their table, apart from what was trained here.
    """
    if request.task.seed is None:
        return
    try:
        if request.architecture is not None and store.document(request.architecture.fingerprint) is None:
            store.append(architecture_entry(request.architecture.fingerprint, request.architecture.document))
        store.put(record)
    except Exception as trouble:  # noqa: BLE001  a store of the user's own may raise anything
        warnings.warn(f"the record of key {record.key[:12]}… could not be kept: {trouble}", RuntimeWarning, stacklevel=3)


def replicates(task: Task, store: Store) -> list[Record]:
    """The records of a task under any seed, in the order of seeds, and for each seed the best first."""
    if task.seed is None:  # of a published table
        return store.replicates(task.key)
    keys = {row.key for row in glimpsed(store) if row.fingerprint == task.fingerprint}
    found = [record for key in keys for record in store.replicates(key)]
    same = [record for record in found if {**record.parts, "seed": task.seed} == task.parts]
    best_first = sorted(same, key=lambda record: record.order, reverse=True)
    return sorted(best_first, key=lambda record: int(record.parts["seed"]))


def fitting(answer: Json | None, request: Request) -> Record | None:
    """The record in a site's answer, if it is one of the task and answers under the limits; what tables tell, no site does."""
    if answer is None or request.task.seed is None or not isinstance(answer.get("record"), dict):
        return None
    try:
        record = Record.from_dict(answer["record"])
        check_record(record, request.task)
    except Exception:  # noqa: BLE001  what a site says may be anything
        return None
    return record if record.answers(request.limits) else None
