"""`jitnas search`."""

import statistics
from collections.abc import Sequence
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli import search_options as words
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.live import cut, live_table, number
from jitnas_fn.cli.places import Endpoint, trained_at
from jitnas_fn.client.client import Client
from jitnas_fn.core.codec import Json
from jitnas_fn.search.beginning import begun
from jitnas_fn.search.comparison import compared
from jitnas_fn.search.found import Found
from jitnas_fn.search.named import own_recipe, problem_named
from jitnas_fn.search.searching import IN_FLIGHT


def search_(  # noqa: PLR0913  one argument per option
    *,
    space: Annotated[str, typer.Option("--space", help="Name of a search space; jitnas space list tells them.")],
    dataset: options.Dataset,
    recipe: options.Recipe,
    method: Annotated[str, typer.Option("--method", help="Name of a way to search, such as random_search or evolution.")],
    evaluations: words.Evaluations = None,
    seconds: words.Seconds = None,
    seeds: words.Seeds = 1,
    cheaper_epochs: words.CheaperEpochs = None,
    cheaper_fractions: words.CheaperFractions = None,
    final: words.FinalRecipe = None,
    warm: words.Warm = 0,
    most_parameters: words.MostParameters = None,
    most_macs: words.MostMacs = None,
    most_seconds: words.MostSeconds = None,
    training_seed: words.TrainingSeed = 0,
    in_flight: words.InFlight = IN_FLIGHT,
    endpoint: Endpoint = None,
    as_json: options.AsJson = False,
) -> None:
    """Search for the best network of a space, chosen on validation; test is read once, at the end of each search.

    What is known already costs nothing. A search that was killed goes on when it is started again. It is kept under a name, by
    which `jitnas report` draws it.
    """
    with answering(as_json=as_json) as answer, trained_at(endpoint) as executor, Client(executor=executor) as client:
        problem = problem_named(
            space,
            dataset,
            recipe,
            seed=training_seed,
            cheaper_epochs=words.epochs_in(cheaper_epochs),
            cheaper_fractions=words.fractions_in(cheaper_fractions),
            most_parameters=most_parameters,
            most_macs=most_macs,
        )
        run, problem = begun(
            "search",
            problem,
            client,
            methods=[method],
            seeds=range(seeds),
            evaluations=evaluations,
            seconds=seconds,
            in_flight=in_flight,
            final=None if final is None else own_recipe(final),
            most_warm=warm,
            most_seconds=most_seconds,
        )
        with live_table() as show:
            found = compared(run, problem, client, show=show)
        fields: Json = {
            "run": run.name,
            "space": space,
            "dataset": dataset,
            "recipe": recipe,
            "method": method,
            "training_seed": training_seed,
            "searches": [one.to_dict() for one in found],
        }
        answer.give(fields, text=f"{_table(found, metric=problem.dataset.metric)}\nrun {run.name}: jitnas report {run.name}")


def _table(found: Sequence[Found], *, metric: str) -> str:
    lines = [f"seed  validation    test  evaluations  trained  again  seconds  best point by validation {metric}"]
    lines += [_row(one) for one in found]
    tests = [one.test for one in found if one.test is not None]
    if len(tests) > 1:
        lines.append(f"test {metric}: {statistics.mean(tests):.4f} ± {statistics.stdev(tests):.4f} over {len(tests)} seeds")
    return "\n".join(lines)


def _row(one: Found) -> str:
    new = [step for step in one.steps if not step.again]
    trained, again = sum(step.source == "trained" for step in new), len(one.steps) - len(new)
    numbers = f"{number(one.validation):>10}  {number(one.test):>6}  {len(one.steps):>11}  {trained:>7}  {again:>5}"
    return f"{one.seed:>4}  {numbers}  {one.seconds:>7.1f}  {cut(one.point or 'none')}"


COMMAND = search_
