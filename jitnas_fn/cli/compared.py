"""A comparison for people, and for programs."""

from collections.abc import Sequence

from jitnas_fn.cli.answers import Answer
from jitnas_fn.cli.live import number
from jitnas_fn.core.codec import Json
from jitnas_fn.search.found import Found
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.summary import rows


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
    lines = [_head(runs[0].asked.dataset["metric"]), *map(_line, found)]
    lines += ["seconds: what the trainings of one search cost; took: what the search itself took here [s]"]
    lines += [f"run {run.name}: jitnas report {run.name}" for run in runs]
    answer.give(fields, text="\n".join([*lines, *_judged(table)]))


def _head(metric: str) -> str:
    counts = f"{'validation':>10}  {'evaluations':>11}  {'again':>5}  {'seconds':>11}  {'took':>7}"
    return f"{'dataset':<15} {'method':<19} {'seeds':>5}  {f'test {metric}':<17}  {counts}"


def _line(row: Json) -> str:
    name = next(key.removesuffix("_mean") for key in row if key.startswith("test_"))
    validation = next(value for key, value in row.items() if key.startswith("validation_") and key.endswith("_mean"))
    test = f"{number(row[f'{name}_mean'])} ± {number(row[f'{name}_std'])}"
    counts = f"{_rounded(row['evaluations']):>11}  {_rounded(row['again']):>5}  {_rounded(row['seconds']):>11}"
    counts = f"{counts}  {row['took_seconds'] or 0:>7.2f}"
    return f"{row['dataset']:<15} {row['method']:<19} {row['seeds']:>5}  {test:<17}  {number(validation):>10}  {counts}"


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _judged(table: Json | None) -> list[str]:
    """That seconds are judged, where they are."""
    if table is None or not table["seconds_r2"]:
        return []
    lines = ", ".join(f"R² {r2:.2f} for {what}" for what, r2 in table["seconds_r2"].items())
    return [f"seconds that were not published are judged by a line over multiply-adds: {lines}"]
