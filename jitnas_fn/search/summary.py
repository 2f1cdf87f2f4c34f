"""What a comparison came to: one row for each method."""

import statistics
from collections.abc import Mapping, Sequence

from jitnas_fn.core.codec import Json
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.found import Found


def rows(searches: Sequence[Found], asked: Asked) -> list[Json]:
    """One row for each method: means and standard deviations over its seeds.

    `test_<metric>_mean`, `_std` and `_se` (standard error), the same of validation, `seconds` (what the trainings of one search
    cost), `clock` (when it would have ended), `evaluations` and `again` of one search, `took_seconds` here, `regret_mean`
    where the optimum is known, and `seeds`.
    """
    metric, optimum = asked.dataset["metric"], (asked.table or {}).get("optimum", {}).get("test")
    found = []
    for method in asked.methods:
        own = [one for one in searches if one.method == method]
        tests = [one.test for one in own if one.test is not None]
        regrets = [abs(optimum - test) for test in tests] if optimum is not None else []
        found.append(
            {
                "method": method,
                "dataset": asked.dataset["name"],
                "seeds": len(own),
                **_moments(f"test_{metric}", tests),
                **_moments(f"validation_{metric}", [one.validation for one in own if one.validation is not None]),
                "regret_mean": _mean(regrets),
                "seconds": _mean([one.seconds for one in own]),
                "clock": _mean([one.steps[-1].clock for one in own if one.steps]),
                "evaluations": _mean([float(len(one.steps)) for one in own]),
                "again": _mean([float(sum(step.again for step in one.steps)) for one in own]),
                "took_seconds": _mean([one.took_seconds for one in own]),
            }
        )
    return found


def table_of(found: Sequence[Json], *, metric: str) -> str:
    """The rows for people."""
    legend = "seconds: what the trainings cost that one search chose by; took: what the search itself took here [s]"
    return "\n".join([_head(metric, _widest(found)), *(_line(row, _widest(found)) for row in found), legend])


def judged(ways: Mapping[str, float | None]) -> str:
    """How seconds were judged, as people read it: "by …; by … (R² 0.61)"."""
    return "; ".join(f"by {way}" + ("" if r2 is None else f" (R² {r2:.2f})") for way, r2 in ways.items())


def _widest(found: Sequence[Json]) -> int:
    return max((len(row["method"]) for row in found), default=6)


def _head(metric: str, width: int) -> str:
    counts = f"{'validation':>10}  {'evaluations':>11}  {'again':>5}  {'seconds':>11}  {'took':>7}"
    return f"{'dataset':<15} {'method':<{width}} {'seeds':>5}  {f'test {metric}':<17}  {counts}"


def _line(row: Json, width: int) -> str:
    name = next(key.removesuffix("_mean") for key in row if key.startswith("test_"))
    validation = next(value for key, value in row.items() if key.startswith("validation_") and key.endswith("_mean"))
    test = f"{_number(row[f'{name}_mean'])} ± {_number(row[f'{name}_std'])}"
    counts = f"{_rounded(row['evaluations']):>11}  {_rounded(row['again']):>5}  {_rounded(row['seconds']):>11}"
    counts = f"{counts}  {row['took_seconds'] or 0:>7.2f}"
    return f"{row['dataset']:<15} {row['method']:<{width}} {row['seeds']:>5}  {test:<17}  {_number(validation):>10}  {counts}"


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _moments(name: str, values: Sequence[float]) -> Json:
    deviation = statistics.stdev(values) if len(values) > 1 else None
    error = None if deviation is None else deviation / len(values) ** 0.5
    return {f"{name}_mean": _mean(values), f"{name}_std": deviation, f"{name}_se": error}


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
