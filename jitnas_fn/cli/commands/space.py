"""`jitnas space`: a shelf of commands of its own."""

import typer

from jitnas_fn.core import shelf

SHELF = "cli.space"
COMMAND = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Search spaces, and what their points stand for.")


@COMMAND.callback()
def _about() -> None:
    """Search spaces, and what their points stand for: list them, show a point."""


for _name in shelf.names(SHELF):
    COMMAND.command(_name)(shelf.take(SHELF, _name).COMMAND)
