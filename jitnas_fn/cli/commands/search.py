"""`jitnas search`."""

import statistics
from collections.abc import Sequence
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.failures import say
from jitnas_fn.cli.places import Endpoint, trained_at
from jitnas_fn.client.client import Client
from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.search import IN_FLIGHT, Found, Step, search

LONGEST_POINT = 60


def search_(  # noqa: PLR0913  one argument per option
    *,
    space: Annotated[str, typer.Option("--space", help="Name of a search space; jitnas space list tells them.")],
    dataset: options.Dataset,
    recipe: options.Recipe,
    method: Annotated[str, typer.Option("--method", help="Name of a way to search, such as random_search or evolution.")],
    evaluations: Annotated[
        int | None, typer.Option("--evaluations", help="The budget of each search, duplicates included.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="The budget: what its trainings may cost together.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How many searches, with seeds 0, 1, …", min=1)] = 1,
    most_parameters: Annotated[int | None, typer.Option("--most-parameters", help="Of a network.", min=1)] = None,
    most_macs: Annotated[int | None, typer.Option("--most-macs", help="Multiply-adds of one.", min=1)] = None,
    training_seed: Annotated[int, typer.Option("--training-seed", help="Of every training.")] = 0,
    in_flight: Annotated[int, typer.Option("--in-flight", help="Trainings under way at most.")] = IN_FLIGHT,
    endpoint: Endpoint = None,
    as_json: options.AsJson = False,
) -> None:
    """Search for the best network of a space, chosen on validation; test is read once, at the end of each search.

    What is known already costs nothing. A search that was killed goes on when it is started again.
    """
    with answering(as_json=as_json) as answer, trained_at(endpoint) as executor, Client(executor=executor) as client:
        problem = Problem(
            space=shelf.take("spaces", space).SPACE,
            dataset=shelf.take("datasets", dataset).DATASET,
            recipe=shelf.take("recipes", recipe).RECIPE,
            seed=training_seed,
            most_parameters=most_parameters,
            most_macs=most_macs,
        )
        way = shelf.take("searchers", method).SEARCHER
        found = [
            search(
                way(problem, seed=seed),
                client,
                seed=seed,
                evaluations=evaluations,
                seconds=seconds,
                in_flight=in_flight,
                show=lambda step, seed=seed: say(_line(step, seed)),  # type: ignore[misc]
            )
            for seed in range(seeds)
        ]
        fields: Json = {
            "space": space,
            "dataset": dataset,
            "recipe": recipe,
            "method": method,
            "training_seed": training_seed,
            "searches": [one.to_dict() for one in found],
        }
        answer.give(fields, text=_table(found, metric=problem.dataset.metric))


def _line(step: Step, seed: int) -> str:
    value, best = (f"{number:.4f}" if number is not None else "-" for number in (step.value, step.best))
    return f"seed {seed}  {step.number:>4}  {value:>7}  best {best:>7}  {step.source:<7}  {_cut(step.point)}"


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
    numbers = f"{_number(one.validation):>10}  {_number(one.test):>6}  {len(one.steps):>11}  {trained:>7}  {again:>5}"
    return f"{one.seed:>4}  {numbers}  {sum(step.seconds for step in new):>7.1f}  {_cut(one.point or 'none')}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _cut(point: str) -> str:
    return point if len(point) <= LONGEST_POINT else f"{point[: LONGEST_POINT - 1]}…"


COMMAND = search_
