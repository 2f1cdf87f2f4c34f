"""`jitnas site`: a shelf of commands of its own."""

import typer

from jitnas_fn.core import shelf

SHELF = "cli.site"
COMMAND = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="A Globus Compute endpoint of yours, or of your site.")


@COMMAND.callback()
def _about() -> None:
    """A Globus Compute endpoint of yours, or of your site: write its folder, register, check, and see how it is."""


for _name in shelf.names(SHELF):
    COMMAND.command(_name)(shelf.take(SHELF, _name).COMMAND)
