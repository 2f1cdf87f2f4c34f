"""The words that searches and comparisons share."""

from typing import Annotated

import typer

from jitnas_fn.client.request import card_of
from jitnas_fn.client.tables import aliases
from jitnas_fn.core import shelf
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.graphs.fidelities import cheaper_by
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.search.comparing import own_recipe

Evaluations = Annotated[int | None, typer.Option("--evaluations", help="The budget of each search, duplicates included.")]
Seconds = Annotated[float | None, typer.Option("--seconds", help="The budget: what its trainings may cost together.")]
Seeds = Annotated[int, typer.Option("--seeds", help="How many searches, with seeds 0, 1, …", min=1, max=100_000)]
CheaperEpochs = Annotated[
    str | None,
    typer.Option("--cheaper-epochs", help="For methods that begin with cheaper trainings: fewer epochs, such as 1,3."),
]
CheaperFractions = Annotated[
    str | None, typer.Option("--cheaper-fractions", help="The same with parts of the data, such as 0.1,0.3.")
]
FinalRecipe = Annotated[
    str | None, typer.Option("--final", help="Recipe by which the best is trained in the end, for its test to be read.")
]
Warm = Annotated[int, typer.Option("--warm", help="Tell each search the best so many points that are known already.", min=0)]
MostParameters = Annotated[int | None, typer.Option("--most-parameters", help="Of a network.", min=1)]
MostMacs = Annotated[int | None, typer.Option("--most-macs", help="Multiply-adds of one.", min=1)]
MostSeconds = Annotated[
    float | None, typer.Option("--most-seconds", help="Of one training, judged before it is asked for by those known.")
]
TrainingSeed = Annotated[int, typer.Option("--training-seed", help="Of every training.")]
InFlight = Annotated[int, typer.Option("--in-flight", help="Trainings under way at most.", min=1)]


def final_recipe(name: str | None) -> Recipe | None:
    """The recipe of --final."""
    return None if name is None else own_recipe(name)


def numbers_in(text: str | None, what: str) -> list[float]:
    """The numbers in "1,3,9"; raises `TaskError`."""
    try:
        return [float(part) for part in (text or "").split(",") if part.strip()]
    except ValueError:
        raise TaskError(f"{what} are numbers with commas between, not {(text or '')[:80]!r}") from None


def epochs_in(text: str | None) -> list[int]:
    """The whole numbers of --cheaper-epochs; raises `TaskError`."""
    found = numbers_in(text, "--cheaper-epochs")
    if not all(number.is_integer() for number in found):
        raise TaskError(f"--cheaper-epochs are whole numbers with commas between, not {(text or '')[:80]!r}")
    return list(map(int, found))


def problem_of(
    space: str,
    dataset: str,
    recipe: str,
    *,
    seed: int,
    epochs: str | None,
    fractions: str | None,
    most_parameters: int | None,
    most_macs: int | None,
) -> Problem:
    """What is searched for; raises `UnknownName`, which lists what there is, or `TaskError`."""
    plan = own_recipe(recipe)
    fewer, parts = epochs_in(epochs), numbers_in(fractions, "--cheaper-fractions")
    return Problem(
        space=shelf.take("spaces", space).SPACE,
        dataset=card_of(dataset),
        recipe=plan,
        seed=seed,
        cheaper=cheaper_by(plan, epochs=fewer, data_fractions=parts),
        most_parameters=most_parameters,
        most_macs=most_macs,
        aliases=aliases(),
    )
