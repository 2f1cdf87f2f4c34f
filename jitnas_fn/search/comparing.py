"""Compare ways to search, by the names of things: the same problem, budget and seeds for each."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from jitnas_fn.client.client import Client
from jitnas_fn.core.codec import Json
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search.beginning import begun
from jitnas_fn.search.comparison import Show, compared
from jitnas_fn.search.found import Found
from jitnas_fn.search.named import own_recipe, problem_named
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.searching import IN_FLIGHT
from jitnas_fn.search.summary import rows, table_of
from jitnas_fn.search.ways import labelled, with_baselines


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison came to. Printed it is a table.

    Attributes
    ----------
    run
        Where it is kept; `jitnas report` draws it.
    searches
        Those that were asked for, method by method, seed by seed; the run may have more.
    """

    run: SavedRun
    searches: list[Found]

    @property
    def rows(self) -> list[Json]:
        """One for each method: means, standard deviations and standard errors over its seeds."""
        return rows(self.searches, self.run.now)

    def __str__(self) -> str:
        """The rows for people."""
        return table_of(self.rows, metric=self.run.asked.dataset["metric"])


def compare(  # noqa: PLR0913  what a comparison is of
    *,
    space: str,
    dataset: str,
    recipe: str | Recipe,
    methods: Sequence[str | type[Searcher]],
    seeds: int,
    evaluations: int | None = None,
    seconds: float | None = None,
    client: Client | None = None,
    training_seed: int = 0,
    in_flight: int = IN_FLIGHT,
    cheaper_epochs: Sequence[int] = (),
    cheaper_fractions: Sequence[float] = (),
    final: str | Recipe | None = None,
    most_warm: int = 0,
    most_parameters: int | None = None,
    most_macs: int | None = None,
    most_seconds: float | None = None,
    show: Show = lambda *_: None,
) -> Comparison:
    """Compare ways to search on one problem. What is known costs nothing; a comparison that was killed goes on.

    Parameters
    ----------
    space, dataset, recipe
        By name: what is chosen from, on which data, trained how.
    methods
        Names, also with options such as `evolution:sample=5`, or classes of one's own. Two baselines always run beside them.
    seeds
        How many searches of each method, with seeds 0, 1, …
    evaluations, seconds
        The budget of each search; see `search`.
    client
        Whom to ask; None for one of its own on this machine.
    training_seed
        Of every training.
    in_flight
        How many are under way at most.
    cheaper_epochs, cheaper_fractions
        For methods that begin with cheaper trainings: fewer epochs, parts of the data.
    final
        Recipe by which the best of each search is trained in the end, for its test to be read; None for `recipe`.
    most_warm
        How many points that are known already each search is told before it begins, at most.
    most_parameters, most_macs, most_seconds
        Bounds of a network and of its training; None for none. Seconds are judged by the trainings that are known. [s]
    show
        Called with the method, the seed and each step.

    Raises
    ------
    UnknownName
        If something has no such name; the message lists those there are.
    TaskError
        If there is no budget, or it makes no sense otherwise; the message says why.
    """
    names, own = labelled(methods)
    problem = problem_named(
        space,
        dataset,
        recipe,
        seed=training_seed,
        cheaper_epochs=cheaper_epochs,
        cheaper_fractions=cheaper_fractions,
        most_parameters=most_parameters,
        most_macs=most_macs,
    )
    with ExitStack() as stack:
        asked = stack.enter_context(Client()) if client is None else client
        run, problem = begun(
            "compare",
            problem,
            asked,
            methods=with_baselines(names),
            seeds=range(seeds),
            evaluations=evaluations,
            seconds=seconds,
            in_flight=in_flight,
            final=None if final is None else own_recipe(final),
            most_warm=most_warm,
            most_seconds=most_seconds,
            own=own,
        )
        return Comparison(run, compared(run, problem, asked, own=own, show=show))
