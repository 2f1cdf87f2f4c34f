"""Searches replayed on a published table: whatever they ask for has been trained, so hundreds of seeds take seconds."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from jitnas_fn.backends.table import table as table_executor
from jitnas_fn.client.client import Client
from jitnas_fn.client.tables import aliases, open_table, table_named
from jitnas_fn.core import shelf
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import TaskError, UnknownName
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.tabulated import Table
from jitnas_fn.graphs.listed import Listed
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Space
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.beginning import asked_for
from jitnas_fn.search.found import Found
from jitnas_fn.search.searching import search
from jitnas_fn.search.seconds import told_by
from jitnas_fn.search.ways import check_ways, labelled, way_named
from jitnas_fn.stores.drawn import DrawnStore
from jitnas_fn.stores.table import TableStore

Bounds = tuple[int | None, int | None, float | None]
Show = Callable[[int, int], None]


class Replay:
    """A table that searches can be replayed on.

    Parameters
    ----------
    name, file
        See `open_table`.
    most_parameters, most_macs, most_seconds
        Bounds of every network; None for none.

    Raises
    ------
    TaskError
        If nothing can be chosen by this table: it has no validation.
    """

    def __init__(
        self,
        name: str,
        file: str | Path,
        *,
        workers: int = 1,
        most_parameters: int | None = None,
        most_macs: int | None = None,
        most_seconds: float | None = None,
        show: Show = lambda *_: None,
    ) -> None:
        self.file = str(file)
        self.bounds: Bounds = most_parameters, most_macs, most_seconds
        self.table: Table = table_named(name)
        if self.table.chosen_by is None:
            raise TaskError(
                f"no search can be replayed on {self.table.name}: it has no validation accuracies, and to choose by test is no "
                "search (see jitnas_fn.tables)"
            )
        self.store: TableStore = open_table(name, file, workers=workers, show=show)
        self.space = self._space()
        self._problems: dict[str, Problem] = {}
        self._view = DrawnStore(self.store)
        self.client = Client(store=self._view, executor=table_executor(self._view), accept_imported=True)

    def draw(self, seed: int) -> None:
        """From now on, be told the trainings that a search with this seed is told."""
        self._view.seed = seed

    def problem(self, dataset: str) -> Problem:
        """What is searched for; raises `UnknownName` for a dataset that the table does not have."""
        if dataset in self._problems:
            return self._problems[dataset]
        if dataset not in self.table.splits:
            raise UnknownName(f"{self.table.name} has no dataset {dataset[:80]!r}; it has {', '.join(self.table.splits)}")
        problem = Problem(
            space=self.space,
            dataset=dataclasses.replace(card_named(dataset), splits=tuple(self.table.splits[dataset])),
            recipe=recipe_named(str(self.table.chosen_by)),
            seed=0,
            cheaper=tuple(recipe_named(name) for name in self.table.cheaper),
            aliases=aliases(),
        )
        parameters, macs, seconds = self.bounds
        found = self._problems[dataset] = dataclasses.replace(
            problem,
            most_parameters=parameters,
            most_macs=macs,
            most_seconds=seconds,
            seconds_of=told_by(self._view, problem),
        )
        return found

    @property
    def final(self) -> Recipe | Published | None:
        """By which recipe the best is read in the end; None for the one that is searched by."""
        return None if self.table.read_by is None else recipe_named(self.table.read_by)

    def search(
        self,
        dataset: str,
        method: str | type[Searcher],
        *,
        seed: int,
        evaluations: int | None = None,
        seconds: float | None = None,
    ) -> Found:
        """One search: chosen on the validation of the early recipe, read on the test of the late one, one at a time.

        Parameters
        ----------
        dataset
            One of the table's.
        method
            A name, also with options, or a class.
        seed, evaluations, seconds
            See `search`.
        """
        (label,), own = labelled([method])
        self.draw(seed)
        searcher = way_named(label, self.problem(dataset), seed=seed, own=own)
        found = search(
            searcher, self.client, seed=seed, evaluations=evaluations, seconds=seconds, in_flight=1, final=self.final
        )
        return dataclasses.replace(found, method=label)

    def asked(
        self,
        dataset: str,
        *,
        methods: Sequence[str],
        seeds: Iterable[int],
        evaluations: int | None,
        seconds: float | None,
        in_flight: int,
    ) -> Asked:
        """What a replay is asked for, written down; raises `UnknownName` or `TaskError` for a method that is none here."""
        problem = self.problem(dataset)
        check_ways(methods, problem)
        return asked_for(
            "replay",
            problem,
            methods=methods,
            seeds=seeds,
            evaluations=evaluations,
            seconds=seconds,
            in_flight=in_flight,
            final=self.final,
            table=self._told(dataset),
        )

    def _space(self) -> Space:
        """The whole space if the table covers it, else the part that it has."""
        whole: Space = shelf.take("spaces", self.table.space).SPACE
        points = dict.fromkeys(row.point for row in self.store.rows)
        return whole if len(points) == whole.size else Listed(whole, list(points))

    def _told(self, dataset: str) -> Json:
        """What a run says of its table."""
        searched_by = {str(self.table.chosen_by), *self.table.cheaper}
        return {
            "name": self.table.name,
            "source": self.table.source,
            "sha256": self.store.sha256,
            "rows": len(self.store.rows),
            "networks": self.store.networks,
            "seconds_judged": self.store.seconds.judged(dataset, searched_by),
            "optimum": self._optimum(dataset),
        }

    def _optimum(self, dataset: str) -> Json:
        """The best of all rows; not known under bounds."""
        if any(bound is not None for bound in self.bounds):
            return {"validation": None, "test": None}
        figures = [figure for row in self.store.rows for figure in row.figures if figure.dataset == dataset]
        validations = [figure.validation for figure in figures if figure.recipe == self.table.chosen_by]
        tests = [figure.test for figure in figures if figure.recipe == (self.table.read_by or self.table.chosen_by)]
        return {"validation": _largest(validations), "test": _largest(tests)}


def _largest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
