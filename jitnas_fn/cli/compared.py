"""A comparison for people, and for programs."""

from collections.abc import Sequence

from jitnas_fn.cli.answers import Answer
from jitnas_fn.core.codec import Json
from jitnas_fn.search.found import Found
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.summary import judged, rows, table_of

OF_ONE = ("optimum", "seconds_judged")  # what a table says of each dataset


def given(answer: Answer, runs: Sequence[SavedRun], searches: Sequence[Sequence[Found]]) -> None:
    """Print one row for each dataset and method."""
    found = [row for run, own in zip(runs, searches, strict=True) for row in rows(own, run.now)]
    tables = {run.asked.dataset["name"]: run.asked.table for run in runs if run.asked.table is not None}
    fields: Json = {
        "methods": found,
        "runs": [run.name for run in runs],
        "budget": runs[0].asked.budget,
        "table": next(
            ({name: value for name, value in table.items() if name not in OF_ONE} for table in tables.values()), None
        ),
        **{name: {dataset: table[name] for dataset, table in tables.items()} for name in OF_ONE},
    }
    lines = [table_of(found, metric=runs[0].asked.dataset["metric"])]
    lines += [f"run {run.name}: jitnas report {run.name}" for run in runs]
    answer.give(fields, text="\n".join([*lines, *_judged(fields["seconds_judged"])]))


def _judged(by_dataset: Json) -> list[str]:
    """That seconds are judged, where they are: a line for each dataset."""
    return [
        f"seconds of {dataset} are judged where none were published: {judged(ways)}"
        for dataset, ways in by_dataset.items()
        if ways
    ]
