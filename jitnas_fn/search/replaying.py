"""Many searches replayed on one table, in as many processes as one likes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed

from jitnas_fn.client.workers import processes
from jitnas_fn.core.errors import TableError, TaskError
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.comparison import ordered, searched
from jitnas_fn.search.found import Found
from jitnas_fn.search.replay import Bounds, Replay, Show
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.stores.table import TableStore

BATCH = 10  # searches of one method that one process makes in a row
Job = tuple[str, str, list[int]]  # dataset, method, seeds


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
