"""`jitnas compare`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli import search_options as words
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.compared import given
from jitnas_fn.cli.counting import counting
from jitnas_fn.cli.live import live_table
from jitnas_fn.cli.places import Endpoint, trained_at
from jitnas_fn.client.client import Client
from jitnas_fn.client.tables import file_of
from jitnas_fn.search import comparing
from jitnas_fn.search.replay import Replay
from jitnas_fn.search.replaying import replayed
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.searching import IN_FLIGHT
from jitnas_fn.search.ways import with_baselines


def compare(  # noqa: PLR0913  one argument per option
    *,
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            help="Ways to search, with commas between, such as evolution,evolution:sample=5; two baselines always run.",
        ),
    ],
    dataset: Annotated[str, typer.Option("--dataset", help="Name of a dataset; in a replay several, with commas between.")],
    replay: Annotated[str | None, typer.Option("--replay", help="Name of a published table: nothing is trained.")] = None,
    table: Annotated[Path | None, typer.Option("--table", help="Its file; else the one that was imported.")] = None,
    space: Annotated[str | None, typer.Option("--space", help="Name of a search space; not in a replay.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Name of a recipe; not in a replay.")] = None,
    evaluations: words.Evaluations = None,
    seconds: words.Seconds = None,
    seeds: words.Seeds = 5,
    cheaper_epochs: words.CheaperEpochs = None,
    cheaper_fractions: words.CheaperFractions = None,
    final: words.FinalRecipe = None,
    warm: words.Warm = 0,
    most_parameters: words.MostParameters = None,
    most_macs: words.MostMacs = None,
    most_seconds: words.MostSeconds = None,
    training_seed: words.TrainingSeed = 0,
    in_flight: Annotated[
        int | None, typer.Option("--in-flight", help=f"Evaluations under way at most: {IN_FLIGHT}, in a replay 1.", min=1)
    ] = None,
    endpoint: Endpoint = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare ways to search: the same problem, budget and seeds for each, chosen on validation, test read once at the end.

    What is known costs nothing, so a method that comes later trains little. Each search is kept when it ends: a comparison that
    was killed goes on when it is started again, and `jitnas report` draws it. With --replay the searches run on a published
    table, in seconds, as many beside each other as there are cores.
    """
    if replay is not None:
        ways = with_baselines(methods.split(","))
        _only_real(
            space=space,
            recipe=recipe,
            endpoint=endpoint,
            final=final,
            epochs=cheaper_epochs,
            fractions=cheaper_fractions,
            warm=warm or None,
            training_seed=training_seed or None,
        )
        with answering(as_json=as_json) as answer:
            cores = os.cpu_count() or 1
            with counting("networks built") as show:
                known = Replay(
                    replay,
                    table or file_of(replay),
                    workers=cores,
                    most_parameters=most_parameters,
                    most_macs=most_macs,
                    most_seconds=most_seconds,
                    show=show,
                )
            asked = [
                known.asked(
                    name,
                    methods=ways,
                    seeds=range(seeds),
                    evaluations=evaluations,
                    seconds=seconds,
                    in_flight=in_flight or 1,
                )
                for name in dict.fromkeys(name.strip() for name in dataset.split(","))
            ]
            runs = [SavedRun.begun(one) for one in asked]
            with counting("searches") as show:
                found = replayed(known, runs, workers=cores, show=show)
            given(answer, runs, found)
        return
    if space is None or recipe is None or table is not None:
        raise typer.BadParameter("name --space and --recipe, or a published table with --replay (and its file with --table)")
    with answering(as_json=as_json) as answer, trained_at(endpoint) as executor, Client(executor=executor) as client:
        with live_table() as show_step:
            comparison = comparing.compare(
                space=space,
                dataset=dataset,
                recipe=recipe,
                methods=methods.split(","),
                seeds=seeds,
                evaluations=evaluations,
                seconds=seconds,
                client=client,
                training_seed=training_seed,
                in_flight=in_flight or IN_FLIGHT,
                cheaper_epochs=words.epochs_in(cheaper_epochs),
                cheaper_fractions=words.fractions_in(cheaper_fractions),
                final=final,
                most_warm=warm,
                most_parameters=most_parameters,
                most_macs=most_macs,
                most_seconds=most_seconds,
                show=show_step,
            )
        given(answer, [comparison.run], [comparison.searches])


def _only_real(**said: str | int | None) -> None:
    """Raise if something was said that a replay knows from its table."""
    names = [name for name, value in said.items() if value is not None]
    if names:
        raise typer.BadParameter(
            f"a replay has no {', '.join(names)} to be chosen: the table says how its networks were trained"
        )


COMMAND = compare
