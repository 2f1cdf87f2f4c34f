"""How far from the best of NAS-Bench-201 each way to search ends, against Optuna's own samplers on the same table.

Regret is the best 12-epoch validation accuracy of the table less the best that was found, on CIFAR-10, in percentage points,
after 100 and after 300 evaluations, over a hundred seeds. What is asked for twice counts, for both sides. Bars: random search
no worse than Optuna's random sampler, Bayesian optimisation and the best of all ways no worse than its TPE sampler, each within
two standard errors of the difference. Skipped where no table is here. Some minutes.
"""

import statistics
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from jitnas_fn.core import shelf
from jitnas_fn.graphs.searcher import Trial
from tests.searchers.problems import problem_of
from tests.spaces.tables import FOLDER

SEEDS, BUDGETS, DATASET = 100, (100, 300), "cifar10"
OURS = ("random_search", "evolution", "local_search", "reinforce", "bayesian")
PEERS = ("RandomSampler", "TPESampler")
PATH = FOLDER / "nb201.csv.gz"


@cache
def worth():
    table = shelf.take("tables", "nasbench201").TABLE
    rows, _ = table.read(PATH)
    return {
        row.point: figure.validation
        for row in rows
        for figure in row.figures
        if (figure.dataset, figure.recipe) == (DATASET, table.chosen_by)
    }


def ours(name, seed):
    """Values of one search, in order."""
    searcher = shelf.take("searchers", name).SEARCHER(problem_of("nasbench201"), seed=seed)
    values = []
    for _ in range(max(BUDGETS)):
        point = searcher.propose()
        values.append(worth()[point])
        searcher.take(Trial(point, 0), values[-1])
    return values


def theirs(name, seed):
    """The same of one of Optuna's samplers as it comes."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    study = optuna.create_study(direction="maximize", sampler=getattr(optuna.samplers, name)(seed=seed))
    values = []
    for _ in range(max(BUDGETS)):
        trial = study.ask()
        values.append(worth()[tuple(trial.suggest_categorical(str(place), range(5)) for place in range(6))])
        study.tell(trial, values[-1])
    return values


def regrets(job):
    name, seed = job
    began = time.perf_counter()
    values = theirs(name, seed) if name in PEERS else ours(name, seed)
    took = time.perf_counter() - began
    return [100 * (max(worth().values()) - max(values[:budget])) for budget in BUDGETS], took / len(values)


def main():
    if not PATH.exists():
        print(f"there is no {PATH.name} here: JITNAS_TABLES names a folder with it")
        return
    names = (*PEERS, *OURS)
    jobs = [(name, seed) for name in names for seed in range(SEEDS)]
    with ProcessPoolExecutor() as pool:
        done = dict(zip(jobs, pool.map(regrets, jobs, chunksize=5), strict=True))
    found = {}
    for name in names:
        own = [done[name, seed] for seed in range(SEEDS)]
        found[name] = [[regret[place] for regret, _ in own] for place in range(len(BUDGETS))]
        shown = "   ".join(
            f"{budget}: {statistics.fmean(values):.3f} ± {error(values):.3f}"
            for budget, values in zip(BUDGETS, found[name], strict=True)
        )
        print(f"{name:<14} regret after {shown}   {1e3 * statistics.fmean(took for _, took in own):.2f} ms each")
    for place, budget in enumerate(BUDGETS):
        best = min(OURS, key=lambda name: statistics.fmean(found[name][place]))
        for name, peer in (("random_search", "RandomSampler"), ("bayesian", "TPESampler"), (best, "TPESampler")):
            own, other = found[name][place], found[peer][place]
            ratio = statistics.fmean(own) / statistics.fmean(other)
            print(f"after {budget}: {name} has {ratio:.2f}x the regret of Optuna's {peer}  (bar 1 within two standard errors)")
            assert statistics.fmean(own) - statistics.fmean(other) < 2 * (error(own) ** 2 + error(other) ** 2) ** 0.5


def error(values):
    """The standard error of a mean."""
    return statistics.stdev(values) / len(values) ** 0.5


if __name__ == "__main__":
    main()
