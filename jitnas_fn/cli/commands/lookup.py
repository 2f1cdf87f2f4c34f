"""`jitnas lookup`."""

import time
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.by_key import given, look_up
from jitnas_fn.cli.model_file import model_in
from jitnas_fn.client.cache import users_store
from jitnas_fn.client.lookups import known
from jitnas_fn.client.request import understood
from jitnas_fn.core.task import is_key


def lookup(  # noqa: PLR0913  one argument per option
    target: Annotated[str, typer.Argument(metavar="FILE.py:NAME | KEY", help="A model in a file, or a key.")],
    *,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Name of a dataset; not with KEY.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Name of a recipe; not with KEY.")] = None,
    seed: options.Seed = 0,
    initialisation: options.Initialisation = "as built",
    validate: options.Validate = True,
    limit_seconds: options.LimitSeconds = None,
    limit_memory: options.LimitMemory = None,
    accept_imported: options.AcceptImported = False,
    as_json: options.AsJson = False,
) -> None:
    """The record of a model or key if it is known. Never trains; a miss exits with 3."""
    if is_key(target):
        raise typer.Exit(look_up(target, as_json=as_json, accept_imported=accept_imported))
    if dataset is None or recipe is None:
        raise typer.BadParameter("a model needs --dataset and --recipe; a key is 64 hexadecimal digits")
    with answering(as_json=as_json) as answer:
        began = time.monotonic()
        request = understood(
            model_in(target),
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=options.limits_of(limit_seconds, limit_memory),
            initialisation=initialisation,
            validate=validate,
            accept_imported=accept_imported,
        )
        record = known(users_store(imported=accept_imported), request)
        code = given(answer, request.task.key, record=record, seconds_waited=time.monotonic() - began)
    raise typer.Exit(code)


COMMAND = lookup
