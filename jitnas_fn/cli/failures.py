"""What a failure is on the command line: one line on standard error, and an exit code."""

import sys
from typing import TextIO

from jitnas_fn.client.standings import one_line
from jitnas_fn.core import errors

FOUND, FAILURE, BAD_INPUT, MISS = 0, 1, 2, 3

INPUT_ERRORS = (
    errors.DocumentError,
    errors.ModelFileError,
    errors.NotAModel,
    errors.NotAllowed,
    errors.OutputMismatch,
    errors.PayloadTooLarge,
    errors.PointError,
    errors.RecipeError,
    errors.SiteFileError,
    errors.TableError,
    errors.TaskError,
    errors.UnknownInitialisation,
    errors.UnknownName,
    errors.UnsupportedModel,
)


def exit_code(error: BaseException) -> int:
    """2 for what the user must change, 1 for what went wrong."""
    return BAD_INPUT if isinstance(error, INPUT_ERRORS) else FAILURE


def show(error: BaseException) -> None:
    """Say on standard error what went wrong, without a traceback."""
    message = one_line(str(error))
    if not isinstance(error, errors.JitnasError):
        message = f"{type(error).__name__}: {message} (JITNAS_DEBUG=1 shows where)"
    say(f"jitnas: {message}")


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line (stands in for `warnings.showwarning`)."""
    del category, filename, lineno, file, line
    say(f"jitnas: warning: {one_line(str(message))}")


def say(text: str) -> None:
    """Print on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
