"""What is under way at a site, as its folder tells it: the runs, and the jobs that they wait for."""

import time
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.client.eta import span_of_time
from jitnas_fn.client.standings import printable, rounded
from jitnas_fn.client.status import Status
from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json
from jitnas_fn.stores.careful import shown
from jitnas_fn.worker.blocks import blocks
from jitnas_fn.worker.board import Board
from jitnas_fn.worker.site import Site, current, read

LATEST_UNIX_TIME = 1e11  # in three thousand years
HEAD = ("key", "state", "epoch", "validation", "left", "job", "seen")
SiteFile = Annotated[
    Path | None, typer.Option("--site", metavar="FILE", help="Site file; without it $JITNAS_SITE, else this machine.")
]


def site_named(file: Path | None) -> Site:
    """The site of a file, else the one of this machine; raises `SiteFileError` for a file that is none."""
    return current() if file is None else read(file.expanduser())


def under_way(site: Site) -> Json:
    """{site, runs, blocks, missing}, and nothing is made by asking.

    The runs are their statuses, without the tokens by which others could stop them; the blocks are the jobs, if any. Missing is
    the site's folder, if it is not there.
    """
    folder = site.where()
    runs = [{name: value for name, value in status.items() if name != "run"} for status in Board(folder).every()]
    missing = None if folder.is_dir() else str(folder)
    return {"site": site.name, "runs": runs, "blocks": blocks() if site.slurm else None, "missing": missing}


def rows(found: Json) -> list[tuple[str, ...]]:
    """A row of text for each run, as `HEAD` names the columns."""
    return [_row(run) for run in found["runs"]]


def summary(found: Json) -> str:
    """One line: how many train, and how the jobs are; or that there is no folder to tell it."""
    states = [str(run["state"]) for run in found["runs"]]
    training, silent = states.count("training"), states.count("silent")
    told = f"{found['site']}: {training} training, {len(states) - training - silent} queued"
    if silent:
        told += f", {silent} silent"
    if found["missing"] is not None:
        told = f"{found['site']}: the folder {shown(found['missing'])} is not there; the first training makes it"
    jobs = found["blocks"]
    if jobs is None:
        return told
    waiting = f"{jobs['pending']} pending" + (f" ({printable(jobs['reason'])})" if jobs["reason"] else "")
    since = f", the first for {span_of_time(jobs['waited_seconds'])}" if jobs["waited_seconds"] is not None else ""
    start = f", to begin in {span_of_time(jobs['starts_seconds'])}" if jobs["starts_seconds"] is not None else ""
    return f"{told}; jobs: {jobs['running']} running, {waiting}{since}{start}"


def is_idle(found: Json) -> bool:
    """Whether nothing is under way: a run that is silent is gone."""
    return all(run["state"] == "silent" for run in found["runs"])


def table(found: Json) -> str:
    """The summary, and a line for each run in columns."""
    lines = [HEAD, *rows(found)] if found["runs"] else []
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEAD))] if lines else []
    columns = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([summary(found), *columns])


def _row(run: Json) -> tuple[str, ...]:
    status = Status.from_answer(run)
    measured = next((f"{name} {rounded(value)}" for _, name, value in status.shown()), "")
    updated = finite(run.get("updated"), least=0, most=LATEST_UNIX_TIME)
    seen = "" if updated is None else f"{max(0.0, time.time() - updated):.0f} s ago"
    left = f"{status.seconds_left:.0f} s" if status.seconds_left is not None else ""
    epoch = f"{status.epoch}/{status.epochs}" if status.epoch is not None else ""
    return f"{str(run['key'])[:12]}…", status.state, epoch, measured, left, status.job or "", seen
