"""Small runs for reports: searched by the real searches, trained by an executor that answers at once."""

import csv
import dataclasses
import json

from jitnas_fn import Client
from jitnas_fn.client.tables import aliases
from jitnas_fn.core.codec import canonical
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.graphs.fidelities import cheaper_by
from jitnas_fn.reports.figures import figures_of
from jitnas_fn.search.beginning import begun
from jitnas_fn.search.comparison import compared
from jitnas_fn.search.replay import Replay
from jitnas_fn.search.replaying import replayed
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.ways import with_baselines
from tests.client.fakes import Inline, record_for, reply
from tests.searchers.problems import problem_of
from tests.tables import small

VERSIONS = {"jitnas_fn": "0.1.0", "torch": "2.13.0", "python": "3.11.7", "numpy": "2.4.6"}
MACHINE = {"device": "cpu", "threads": 1, "platform": "linux-x86_64", "versions": VERSIONS}
CODES = [f"{first}33{second}3{last}" for first in range(5) for second in (1, 3) for last in range(5)]


def share(digits):
    """A number from 0 to 1 that six hexadecimal digits stand for."""
    return int(digits[:6], 16) / 16**6


def told(item, **changed):
    """A record whose numbers follow from its key."""
    key, epochs = item["key"], max(1, item["recipe"]["epochs"])
    value = share(key)
    made = dataclasses.replace(
        record_for(item),
        metrics={"validation": {"accuracy": value}, "test": {"accuracy": share(key[10:])}},
        curves={
            "train": {"loss": [1.0 / (epoch + 1) for epoch in range(epochs)]},
            "validation": {"accuracy": [value * (epoch + 1) / epochs for epoch in range(epochs)]},
        },
        cost={"train_seconds": 1.0, "evaluation_seconds": 0.5, "wall_seconds": 1.0 + value, "joules": 5.0, "attempts": 1},
        size={"parameters": 100 + int(key[:3], 16), "macs": 640, "counter": "jitnas_fn 1"},
        environment=MACHINE,
    )
    return dataclasses.replace(made, **changed).sealed()


def trained(text, changing):
    """The reply to a message, each record changed by its key."""
    items = Envelope.from_json(text).items("tasks")
    return reply([{"key": item["key"], "record": told(item, **changing(item["key"])).to_dict()} for item in items])


def a_run(
    *methods,
    seeds=range(3),
    evaluations=12,
    changing=lambda key: {},
    answering=None,
    dataset="digits",
    epochs=(),
    recipe="quick",
):
    """A comparison that is kept, its records in the user's store; the two baselines always run."""
    problem = dataclasses.replace(problem_of(dataset=dataset, recipe=recipe), aliases=aliases())
    if epochs:
        problem = dataclasses.replace(problem, cheaper=cheaper_by(problem.recipe, epochs=epochs))
    with Client(executor=Inline(answering or (lambda text: trained(text, changing)))) as client:
        run, problem = begun(
            "compare",
            problem,
            client,
            methods=with_baselines(methods),
            seeds=seeds,
            evaluations=evaluations,
            seconds=None,
            in_flight=2,
        )
        compared(run, problem, client)
    return run


def a_table(folder, codes=CODES, **options):
    """The file of a small table."""
    return small.written(small.nasbench201(codes, **options), folder / "table.csv.gz")


def a_replay(file, *methods, seeds=range(6), evaluations=12, dataset="cifar10"):
    """A replay that is kept."""
    replay = Replay("nasbench201", file)
    asked = replay.asked(
        dataset, methods=with_baselines(methods), seeds=seeds, evaluations=evaluations, seconds=None, in_flight=2
    )
    run = SavedRun.begun(asked)
    replayed(replay, [run])
    return run


def rewritten(run, **changed):
    """The run, its asked.json written by somebody else's hand."""
    path = run.folder / "asked.json"
    path.write_text(canonical({**json.loads(path.read_text("ascii")), **changed}), "ascii")
    return SavedRun.opened(str(run.folder))


def kept_without(run, unwanted):
    """The run without the searches that `unwanted(method, seed)` names."""
    path = run.folder / "searches.jsonl"
    lines = [json.loads(line) for line in path.read_text("ascii").splitlines() if line]
    kept = [line for line in lines if not unwanted(line["method"], line["seed"])]
    path.write_text("".join(f"{canonical(line)}\n" for line in kept), "ascii")
    return SavedRun.opened(str(run.folder))


def sheet(path):
    """The rows of a comma-separated file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures(evidence, *, others=(), **options):
    """Every figure of a run, by its name; nothing is drawn."""
    return {figure.name: figure for figure in figures_of(evidence, beside=others, known=aliases(), **options)}


def rows_of(figure):
    """The table of a figure."""
    return [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]


def told_rows(figure):
    """The same as a file tells it."""
    return [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows_of(figure)]
