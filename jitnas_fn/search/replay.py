"""Searches replayed on a published table: whatever they ask for has been trained, so hundreds of seeds take seconds."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from pathlib import Path

from jitnas_fn.backends.table import table as table_executor
from jitnas_fn.client.client import Client
from jitnas_fn.client.tables import aliases, open_table, table_named
from jitnas_fn.client.workers import processes
from jitnas_fn.core import shelf
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import TableError, TaskError, UnknownName
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.tabulated import Table
from jitnas_fn.graphs.listed import Listed
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Space
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.beginning import asked_for
from jitnas_fn.search.comparison import ordered, searched
from jitnas_fn.search.found import Found
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.searching import search
from jitnas_fn.search.seconds import told_by
from jitnas_fn.search.ways import check_ways, labelled, way_named
from jitnas_fn.stores.drawn import DrawnStore
from jitnas_fn.stores.table import TableStore

BATCH = 10  # searches of one method that one process makes in a row
Job = tuple[str, str, list[int]]  # dataset, method, seeds
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


def replayed(replay: Replay, runs: Sequence[SavedRun], *, workers: int = 1, show: Show = lambda *_: None) -> list[list[Found]]:
    """Make the searches of runs on one table that are not made yet; all searches of each run.

    Parameters
    ----------
    replay
        The table.
    runs
        One for each dataset.
    workers
        Processes; with more than one, a script needs a main guard.
    show
        Called with how many searches are made, and of how many.
    """
    by_dataset = {run.asked.dataset["name"]: run for run in runs}
    jobs = [job for run in runs for job in _jobs(run)]
    total, done = sum(len(seeds) for *_, seeds in jobs), 0
    try:
        for (dataset, _, _), found in _made(replay, {name: run.asked for name, run in by_dataset.items()}, jobs, workers):
            by_dataset[dataset].add(found)
            done += len(found)
            show(done, total)
    except TaskError:  # what was asked makes no sense
        for run in runs:
            run.forget_if_empty()
        raise
    return [ordered(run.searches(), run.now) for run in runs]


def check_table(run: SavedRun, table: TableStore) -> None:
    """Raise `TableError` if a run was made with another table than this one."""
    made = run.asked.table or {}
    if (table.table.name, table.sha256) != (made.get("name"), made.get("sha256")):
        raise TableError(
            f"run {run.name[:120]} was made with another file than this one, of SHA-256 {table.sha256[:12]}…: with one of "
            f"{str(made.get('sha256'))[:12]}…; name it with --table"
        )


def _jobs(run: SavedRun) -> Iterator[Job]:
    done = run.done()
    for method in dict.fromkeys(method for method, _ in run.wanted):
        left = [seed for one, seed in run.wanted if one == method and (one, seed) not in done]
        for start in range(0, len(left), BATCH):
            yield run.asked.dataset["name"], method, left[start : start + BATCH]


def _made(replay: Replay, asked: dict[str, Asked], jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, list[Found]]]:
    if workers == 1 or len(jobs) < 2:
        problems = {dataset: replay.problem(dataset) for dataset in asked}
        for job in jobs:
            yield job, _searches(replay, problems, asked, job)
        return
    opening = (replay.table.name, replay.file, replay.bounds, asked)
    with processes(workers, _begin, *opening) as pool:
        futures: dict[Future[list[Found]], Job] = {pool.submit(_job, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()


_here: tuple[Replay, dict[str, Problem], dict[str, Asked]] | None = None  # of a process of `_made`


def _begin(name: str, file: str, bounds: Bounds, asked: dict[str, Asked]) -> None:
    global _here  # noqa: PLW0603  what a process opens once
    parameters, macs, seconds = bounds
    replay = Replay(name, file, most_parameters=parameters, most_macs=macs, most_seconds=seconds)
    _here = replay, {dataset: replay.problem(dataset) for dataset in asked}, asked


def _job(job: Job) -> list[Found]:
    assert _here is not None
    return _searches(*_here, job)


def _searches(replay: Replay, problems: dict[str, Problem], asked: dict[str, Asked], job: Job) -> list[Found]:
    dataset, method, seeds = job
    found = []
    for seed in seeds:
        replay.draw(seed)
        found.append(searched(asked[dataset], problems[dataset], replay.client, method, seed))
    return found


def _largest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
