"""The words that searches and comparisons share."""

from typing import Annotated

import typer

from jitnas_fn.core.errors import TaskError

Evaluations = Annotated[
    int | None, typer.Option("--evaluations", "--budget", help="The budget of each search: how many, duplicates included.")
]
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


def epochs_in(text: str | None) -> list[int]:
    """The whole numbers of --cheaper-epochs; raises `TaskError`."""
    found = _numbers_in(text, "--cheaper-epochs")
    if not all(number.is_integer() for number in found):
        raise TaskError(f"--cheaper-epochs are whole numbers with commas between, not {(text or '')[:80]!r}")
    return list(map(int, found))


def fractions_in(text: str | None) -> list[float]:
    """The numbers of --cheaper-fractions; raises `TaskError`."""
    return _numbers_in(text, "--cheaper-fractions")


def _numbers_in(text: str | None, what: str) -> list[float]:
    try:
        return [float(part) for part in (text or "").split(",") if part.strip()]
    except ValueError:
        raise TaskError(f"{what} are numbers with commas between, not {(text or '')[:80]!r}") from None
