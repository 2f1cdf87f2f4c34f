"""`jitnas transfer`."""

from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.live import cut, number
from jitnas_fn.cli.places import Endpoint, trained_at
from jitnas_fn.client.client import Client
from jitnas_fn.client.tables import file_of
from jitnas_fn.core.errors import RecordError, TaskError
from jitnas_fn.core.published import plan_in
from jitnas_fn.search.beginning import problem_in
from jitnas_fn.search.replay import Replay
from jitnas_fn.search.replaying import check_table
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.transfer import Transfer, transferred

MOST = 5


def transfer(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Name or folder of a run, as jitnas compare and search tell it.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Names of other datasets, with commas between.")],
    most: Annotated[int, typer.Option("--most", help="How many of the best networks are taken there.", min=1)] = MOST,
    table: Annotated[Path | None, typer.Option("--table", help="Of a replay: the table's file, else the imported one.")] = None,
    endpoint: Endpoint = None,
    as_json: options.AsJson = False,
) -> None:
    """Take the best networks that a run has found to other datasets: what they are worth there, and their rank.

    With it comes the rank correlation between the datasets, over all networks that are known on both. What is not known there
    is trained there, by the recipe by which the run was read; in a replay all of it is in the table.
    """
    with answering(as_json=as_json) as answer:
        kept = SavedRun.opened(run)
        asked, found = kept.asked, list(kept.searches())
        plan = plan_in(asked.final or asked.ladder[-1])
        names = list(dict.fromkeys(name.strip() for name in to.split(",") if name.strip()))
        if not names:
            raise TaskError("name other datasets with --to, with commas between")
        if not found:
            raise RecordError(f"no search of run {kept.name[:120]!r} has come to its end; jitnas compare goes on with it")
        if asked.table is not None and endpoint is not None:
            raise TaskError(f"run {kept.name[:120]} is a replay: nothing is trained, at no endpoint")
        if asked.table is None and table is not None:
            raise TaskError(f"run {kept.name[:120]} is no replay: its records are in your store, not in {table}")
        if asked.table is not None:
            replay = Replay(asked.table["name"], table or file_of(asked.table["name"]))
            check_table(kept, replay.store)
            home = replay.problem(asked.dataset["name"])
            moves = [transferred(found, home, replay.problem(name), replay.client, plan=plan, most=most) for name in names]
        else:
            home = problem_in(asked)
            others = [problem_in(asked, dataset=name) for name in names]
            with trained_at(endpoint) as executor, Client(executor=executor) as client:
                moves = [transferred(found, home, there, client, plan=plan, most=most) for there in others]
        fields = {"run": kept.name, "dataset": asked.dataset["name"], "transfers": [move.to_dict() for move in moves]}
        lines = [_text(str(asked.dataset["name"]), move) for move in moves]
        lines.append(f"test {asked.dataset['metric']} by {plan.name}; the best on validation first")
        answer.give(fields, text="\n".join(lines))


def _text(home: str, move: Transfer) -> str:
    alike = "too few points are known on both to say how alike they are ordered"
    if move.spearman is not None:
        alike = f"rank correlation {move.spearman:.3f} over {move.points:,} points known on both"
    lines = [f"{home} to {move.dataset}: {alike}", f"{home:>15}  {move.dataset:>15}  {'rank there':>16}  point"]
    for one in move.moved:
        rank = "-" if one.rank is None else f"{one.rank:,} of {one.of:,}"
        lines.append(f"{number(one.home):>15}  {number(one.there):>15}  {rank:>16}  {cut(one.point)}")
    return "\n".join(lines)


COMMAND = transfer
