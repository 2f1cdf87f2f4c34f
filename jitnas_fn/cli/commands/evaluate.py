"""`jitnas evaluate`."""

import time
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.model_file import model_in
from jitnas_fn.cli.places import Endpoint, trained_at
from jitnas_fn.cli.progress import watched
from jitnas_fn.cli.summary import as_fields, described
from jitnas_fn.client.client import Client

HERE_SECONDS, FAR_SECONDS = 0.2, 2.0  # between two looks at how it goes


def evaluate(  # noqa: PLR0913  one argument per option
    target: options.Target,
    *,
    dataset: options.Dataset,
    recipe: options.Recipe,
    seed: options.Seed = 0,
    initialisation: options.Initialisation = "as built",
    validate: options.Validate = True,
    limit_seconds: options.LimitSeconds = None,
    limit_memory: options.LimitMemory = None,
    identity: Annotated[str, typer.Option("--identity", help='"exact", or "none" to train what cannot be keyed.')] = "exact",
    endpoint: Endpoint = None,
    as_json: options.AsJson = False,
) -> None:
    """The record of a model: looked up when it is known, trained on this machine, or at an endpoint, when it is not."""
    with answering(as_json=as_json) as answer, trained_at(endpoint) as executor, Client(executor=executor) as client:
        began = time.monotonic()
        evaluation = client.submit(
            model_in(target),
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=options.limits_of(limit_seconds, limit_memory),
            identity=identity,
            initialisation=initialisation,
            validate=validate,
        )
        record = watched(evaluation, poll_seconds=HERE_SECONDS if endpoint is None else FAR_SECONDS)
        waited, source = time.monotonic() - began, evaluation.source or "trained"
        answer.give(
            as_fields(record, key=record.key, source=source, seconds_waited=waited),
            text=described(record, source=source, seconds_waited=waited),
        )


COMMAND = evaluate
