"""`jitnas site login`."""

from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site._globus import log_in, service_name


def login(
    *,
    force: Annotated[bool, typer.Option("--force", help="Log in anew, as somebody else for instance.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Log in to Globus, for an endpoint here or to use one elsewhere: open the page that it names, and paste what that says."""
    with answering(as_json=as_json) as answer:
        new = log_in(anew=force)
        answer.give({"service": service_name(), "new": new}, text="logged in" if new else "logged in already")


COMMAND = login
