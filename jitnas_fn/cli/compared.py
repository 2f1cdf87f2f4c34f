"""A comparison for people, and for programs."""

from collections.abc import Sequence

from jitnas_fn.cli.answers import Answer
from jitnas_fn.core.codec import Json
from jitnas_fn.search.found import Found
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.summary import rows, table_of


def given(answer: Answer, runs: Sequence[SavedRun], searches: Sequence[Sequence[Found]]) -> None:
    """Print one row for each dataset and method."""
    found = [row for run, own in zip(runs, searches, strict=True) for row in rows(own, run.asked)]
    table = runs[0].asked.table
    fields: Json = {
        "methods": found,
        "runs": [run.name for run in runs],
        "budget": runs[0].asked.budget,
        "table": None if table is None else {name: value for name, value in table.items() if name != "optimum"},
        "optimum": {run.asked.dataset["name"]: run.asked.table["optimum"] for run in runs if run.asked.table is not None},
    }
    lines = [table_of(found, metric=runs[0].asked.dataset["metric"])]
    lines += [f"run {run.name}: jitnas report {run.name}" for run in runs]
    answer.give(fields, text="\n".join([*lines, *_judged(table)]))


def _judged(table: Json | None) -> list[str]:
    """That seconds are judged, where they are."""
    if table is None or not table["seconds_r2"]:
        return []
    lines = ", ".join(f"R² {r2:.2f} for {what}" for what, r2 in table["seconds_r2"].items())
    return [f"seconds that were not published are judged by a line over multiply-adds: {lines}"]
