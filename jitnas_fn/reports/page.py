"""The page of a report, in Markdown: what was asked, what came out, figures, checklist, and where numbers come from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jitnas_fn.core.codec import Json
from jitnas_fn.core.published import Published
from jitnas_fn.graphs.differences.wording import counted
from jitnas_fn.reports.cells import best_of
from jitnas_fn.reports.checklist import Practice, as_markdown
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.figure import Absent
from jitnas_fn.reports.figures import Made
from jitnas_fn.reports.practices.finding import listed, ranges
from jitnas_fn.reports.words import escaped, heading, row

FIRST, PRACTICES = "# Run ", "## The fourteen practices"  # by which a page is known to be one of these
HOW = {
    "search": "A search of one space by one method.",
    "compare": "A comparison of methods on one problem.",
    "replay": "A comparison of methods on a published table: nothing was trained.",
}


def page(evidence: Evidence, methods: Sequence[Json], figures: Sequence[Made | Absent], practices: Sequence[Practice]) -> str:
    """The whole page.

    Parameters
    ----------
    evidence
        Of the run.
    methods
        A row for each, as `search.summary.rows` tells.
    figures
        Those in the same folder, and those that are not.
    practices
        The checklist.
    """
    sections = [
        [f"{FIRST}{escaped(evidence.run.name)}", "", HOW.get(evidence.asked.kind, "")],
        ["## What was asked", "", heading("", ""), *(row(*pair) for pair in _asked(evidence))],
        ["## What came out", "", *_methods(evidence, methods), "", *_best(evidence)],
        ["## Figures", *_figures(figures)],
        [PRACTICES, "", _practices(practices), "", as_markdown(practices)],
        ["## Where the numbers come from", "", *_sources(evidence)],
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _asked(evidence: Evidence) -> Iterator[tuple[str, str]]:
    asked = evidence.asked
    card, table = asked.dataset, asked.table
    yield "space", asked.space
    version, sha256 = card.get("version"), card.get("sha256")
    yield "dataset", f"{card['name']}, version {version}, {f'SHA-256 {sha256}' if sha256 else 'known by its name alone'}"
    yield "samples", _pairs(card.get("splits"))
    yield "measured", f"{evidence.metric}, {card['direction']}{f', as a {evidence.unit}' if evidence.unit else ''}"
    for plan in evidence.plans:
        source = f"published: {plan.source}" if isinstance(plan, Published) else f"SHA-256 {plan.sha256}"
        yield "recipe", f"{plan.name}, {counted(plan.epochs, 'epoch')}; {source}"
    chosen, read = evidence.plans[evidence.top].name, evidence.read_by.name
    yield "chosen and read", f"chosen on validation by {chosen}, read on test by {read}"
    yield "seed of the trainings", "unknown" if asked.training_seed is None else str(asked.training_seed)
    yield "bounds of networks", _pairs(asked.bounds)
    yield "budget of a search", _pairs(asked.budget)
    yield "under way", f"{asked.in_flight} at most"
    yield "known before", f"{len(asked.warm):,} points"
    yield "methods", listed(asked.methods, most=40)
    yield "seeds", ranges(asked.seeds)
    if table is not None:
        networks = f"{table['networks']:,} networks" if type(table.get("networks")) is int else "networks unknown"
        yield "table", f"{table['name']}, {networks}; {table.get('source')}; SHA-256 {table.get('sha256')}"
    yield "searched with", _pairs(asked.versions)


def _pairs(values: object) -> str:
    said = (
        [f"{name} {_plain(value)}" for name, value in values.items() if value is not None] if isinstance(values, dict) else []
    )
    return listed(said) or "none"


def _plain(value: object) -> str:
    return f"{value:,g}" if isinstance(value, float) else str(value)


def _methods(evidence: Evidence, methods: Sequence[Json]) -> Iterator[str]:
    yield heading("method", "seeds", "test", "validation", "evaluations", "asked again", "seconds", right=6)
    for one in methods:
        spread = [_spread(one, f"{split}_{evidence.metric}") for split in ("test", "validation")]
        yield row(one["method"], one["seeds"], *spread, *(_number(one[name]) for name in ("evaluations", "again", "seconds")))
    yield ""
    unit = f" ({evidence.unit})" if evidence.unit else ""
    yield escaped(
        f"{evidence.metric}{unit}: mean ± standard deviation over seeds. The others are means of one search; its seconds are "
        "those of the trainings that it chose by, each once, whoever paid, without one that only reads its end."
    )


def _spread(values: Mapping[str, Any], name: str) -> str:
    mean, deviation = values[f"{name}_mean"], values[f"{name}_std"]
    if mean is None:
        return "-"
    return f"{mean:.4f}" if deviation is None else f"{mean:.4f} ± {deviation:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _best(evidence: Evidence) -> Iterator[str]:
    yield heading("method", "best point on validation", "key", "seed", "validation", "test", right=3)
    for method in evidence.asked.methods:
        best = best_of(evidence, method)
        if best is not None:
            test = "-" if best.test is None else f"{best.test:.4f}"
            yield row(method, best.point, f"{str(best.key)[:12]}…", best.seed, f"{best.validation:.4f}", test)


def _figures(figures: Sequence[Made | Absent]) -> Iterator[str]:
    for figure in figures:
        if isinstance(figure, Made):
            title = escaped(figure.title)
            files = ", ".join(f"[{file.rpartition('.')[2]}]({file})" for file in figure.files)
            yield from (
                "",
                f"### {title}",
                "",
                f"![{title}]({figure.files[0]})",
                "",
                f"{escaped(figure.caption)} Files: {files}.",
            )
    absent = [figure for figure in figures if isinstance(figure, Absent)]
    if absent:
        yield from ("", "### Not made", "")
        yield from (f"- {escaped(figure.title)}: {escaped(figure.why)}." for figure in absent)


def _practices(practices: Sequence[Practice]) -> str:
    counts = [f"{sum(one.answer == answer for one in practices)} {answer}" for answer in ("yes", "partly", "no")]
    return f"Of M. Lindauer and F. Hutter (JMLR 2020), read off this run and its records: {', '.join(counts)}."


def _sources(evidence: Evidence) -> Iterator[str]:
    searches = sum(len(evidence.of(method)) for method in evidence.asked.methods)
    yield f"- What was asked: `asked.json` of the run. What {searches:,} searches found, step by step: its `searches.jsonl`."
    at_hand, wanted = len(evidence.records), len(evidence.keys)
    if evidence.table is not None:
        where = f"in the table {evidence.table.table.name}, file of SHA-256 {evidence.table.sha256}"
    elif evidence.asked.table is not None:
        where = "since the table of this replay is not: name its file with --table"
    else:
        where = "in the store of whoever made this report; jitnas lookup KEY shows one"
    yield f"- {escaped(f'Records: {at_hand:,} of {wanted:,} that were asked for are at hand, {where}.')}"
    yield "- Parameters, curves, machines and versions: those records. Seconds: as the steps say, which is what records cost."
    yield "- What a figure shows is in the CSV beside it, in full."
