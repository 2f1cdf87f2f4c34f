"""`jitnas cache`: a shelf of commands of its own."""

import typer

from jitnas_fn.core import shelf

SHELF = "cli.cache"
COMMAND = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is kept, on this machine and on shared storage.")


@COMMAND.callback()
def _about() -> None:
    """What is kept, on this machine and on shared storage."""


for _name in shelf.names(SHELF):
    COMMAND.command(_name.rstrip("_"))(shelf.take(SHELF, _name).COMMAND)
