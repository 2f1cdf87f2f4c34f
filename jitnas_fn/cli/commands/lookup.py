"""`jitnas lookup`."""

import time
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import Answer, answering
from jitnas_fn.cli.failures import MISS, say
from jitnas_fn.cli.summary import as_fields, described
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import is_key


def lookup(
    target: Annotated[str, typer.Argument(metavar="FILE.py:NAME | KEY", help="A model in a file, or a key.")],
    *,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Name of a dataset; not with KEY.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Name of a recipe; not with KEY.")] = None,
    seed: options.Seed = 0,
    initialisation: options.Initialisation = "as built",
    as_json: options.AsJson = False,
) -> None:
    """The record of a model or key if it is known. Never trains; a miss exits with 3."""
    with answering(as_json=as_json) as answer:
        began = time.monotonic()
        if is_key(target):
            key, record = target, _by_key(target)
        elif dataset is None or recipe is None:
            raise typer.BadParameter("a model needs --dataset and --recipe; a key is 64 hexadecimal digits")
        else:
            key, record = _by_model(target, dataset, recipe=recipe, seed=seed, initialisation=initialisation)
        _give(answer, key, record=record, seconds_waited=time.monotonic() - began)


def _by_key(key: str) -> Record | None:
    from jitnas_fn.client.cache import users_store

    return users_store().get(key)


def _by_model(target: str, dataset: str, *, recipe: str, seed: int, initialisation: str) -> tuple[str, Record | None]:
    from jitnas_fn.cli.model_file import model_in
    from jitnas_fn.client.client import Client
    from jitnas_fn.client.request import understood

    request = understood(model_in(target), dataset=dataset, recipe=recipe, seed=seed, initialisation=initialisation)
    return request.task.key, Client().known(request)


def _give(answer: Answer, key: str, *, record: Record | None, seconds_waited: float) -> None:
    fields = as_fields(record, key=key, source=None if record is None else "cache", seconds_waited=seconds_waited)
    if record is None:
        answer.give(fields, text=f"not known: key {key}")
        say("jitnas: a miss; `jitnas evaluate` trains it, `jitnas explain` says what is known of it")
        raise typer.Exit(MISS)
    answer.give(fields, text=described(record, source="cache", seconds_waited=seconds_waited))


COMMAND = lookup
