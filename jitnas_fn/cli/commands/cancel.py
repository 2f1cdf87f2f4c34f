"""`jitnas cancel`."""

import re
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site_runs import SiteFile, site_named
from jitnas_fn.core.task import is_key
from jitnas_fn.worker.board import Board

BEGINNING = re.compile(r"(opaque-)?[0-9a-f]{4}[0-9a-f-]*")  # of a key, long enough not to be there by mistake


def cancel(
    key: Annotated[str, typer.Argument(help="Of the task; its first digits do, four or more, as `jitnas jobs` shows them.")],
    *,
    site: SiteFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Stop every run of a key at a site, or on this machine, within an epoch."""
    with answering(as_json=as_json) as answer:
        digits = key.rstrip("…").lower()
        if not BEGINNING.fullmatch(digits):
            raise typer.BadParameter(
                f"a key is named by 4 or more of its first digits, as `jitnas jobs` shows, not {key[:80]!r}"
            )
        board = Board(site_named(site).where())
        keys = sorted({str(run["key"]) for run in board.every() if str(run["key"]).startswith(digits)})
        if len(keys) != 1 or not is_key(keys[0]):
            raise typer.BadParameter(f"{len(keys)} keys under way begin with {key[:80]!r}: `jitnas jobs` shows them")
        status = {name: value for name, value in board.cancel(keys[0]).items() if name != "run"}
        answer.give(status, text=f"{keys[0][:12]}…  {status['state']}")


COMMAND = cancel
