"""From the words of a command line to an exit code."""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from jitnas_fn.cli.answers import silence_stdout
from jitnas_fn.cli.by_key import key_asked_for, look_up
from jitnas_fn.cli.failures import FAILURE, FOUND, exit_code, show, show_warning
from jitnas_fn.core import shelf

SHELF = "cli.commands"


def main() -> NoReturn:
    """Run the command line of this process and exit: 0 hit or trained, 3 miss on look-up, 2 bad input, 1 failure."""
    code = run(sys.argv[1:])
    silence_stdout()  # what a user's file prints at exit is no part of the answer
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        Without the name of the program.

    Returns
    -------
    int
        The exit code.
    """
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        try:
            return _answered(arguments)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else FAILURE * bool(end.code)
        except Exception as error:
            if os.environ.get("JITNAS_DEBUG"):
                raise
            show(error)
            return exit_code(error)


def _answered(arguments: Sequence[str]) -> int:
    key = key_asked_for(arguments)
    if key is not None:
        return look_up(key, as_json="--json" in arguments)
    app_for(arguments)(list(arguments), prog_name="jitnas")
    return FOUND


def app_for(arguments: Sequence[str]) -> Any:
    """The application with the command that `arguments` ask for, or with all of them."""
    import typer  # half of what a look-up by key takes otherwise

    app = typer.Typer(
        name="jitnas", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    app.callback()(_about)
    known = shelf.names(SHELF)
    asked = next((word for word in arguments if not word.startswith("-")), "")
    for name in [asked] if asked in known else known:
        command = shelf.take(SHELF, name).COMMAND
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _about() -> None:
    """Ask for a neural network's accuracy: looked up when it is known, trained when it is not."""
