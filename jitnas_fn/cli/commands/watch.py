"""`jitnas watch`."""

import sys
import time
from typing import Annotated

import typer
from rich.table import Table

from jitnas_fn.cli.site_runs import HEAD, SiteFile, is_idle, rows, site_named, summary, under_way
from jitnas_fn.core.codec import Json
from jitnas_fn.worker.site import Site

LOOK_SECONDS, LINE_SECONDS = 1.0, 60.0


def watch(
    *,
    site: SiteFile = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is under way any more.")] = False,
) -> None:
    """Follow what is being trained: a live table on a terminal, a line a minute anywhere else. Ctrl-C ends it."""
    here = site_named(site)
    try:
        if sys.stdout.isatty():
            _live(here, until_idle=until_idle)
        else:
            _lines(here, until_idle=until_idle)
    except KeyboardInterrupt:
        return


def _lines(site: Site, *, until_idle: bool) -> None:
    told = float("-inf")
    while True:
        found = under_way(site)
        idle = until_idle and is_idle(found)
        if idle or time.monotonic() - told >= LINE_SECONDS:
            sys.stdout.write(f"{time.strftime('%H:%M')}  {summary(found)}\n")
            sys.stdout.flush()
            told = time.monotonic()
        if idle:
            return
        time.sleep(LOOK_SECONDS)


def _live(site: Site, *, until_idle: bool) -> None:
    from rich.live import Live

    found = under_way(site)
    with Live(_drawn(found), refresh_per_second=4) as live:
        while not (until_idle and is_idle(found)):
            time.sleep(LOOK_SECONDS)
            found = under_way(site)
            live.update(_drawn(found))


def _drawn(found: Json) -> Table:
    from rich.text import Text

    drawn = Table(*HEAD, title=Text(summary(found)), title_justify="left")  # what a file says is no markup
    for row in rows(found):
        drawn.add_row(*map(Text, row))
    return drawn


COMMAND = watch
