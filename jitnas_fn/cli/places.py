"""Where a command has its trainings made: on this machine, or at an endpoint."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Annotated

import typer

Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="UUID", envvar="JITNAS_ENDPOINT", help="Train at this Globus Compute endpoint."),
]


@contextmanager
def trained_at(endpoint: str | None) -> Iterator[Executor | None]:
    """What trains at an endpoint; None for this machine. What was cancelled is not waited for."""
    if endpoint is None:
        yield None
        return
    from jitnas_fn.backends.globus_compute import globus_compute

    executor = globus_compute(endpoint)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False)
