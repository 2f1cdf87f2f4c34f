"""A report of a run: figures, checklist and page in one folder."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.analysis.bands import STANDARD_ERROR
from jitnas_fn.client.tables import aliases
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import StoreError
from jitnas_fn.reports.checklist import Practice, checklist
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.figure import Absent
from jitnas_fn.reports.figures import Made, figures_of, make_figures
from jitnas_fn.reports.page import FIRST, PRACTICES, page
from jitnas_fn.search.summary import rows

FOLDER, PAGE = "report", "report.md"


LINK = re.compile(r"\]\(([a-z][a-z0-9_-]{0,99}\.(?:png|svg|csv))\)")
LONGEST_PAGE = 10_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """A report that lies in a folder.

    Attributes
    ----------
    path
        Of its page.
    methods
        A row for each, as `search.summary.rows` tells.
    figures
        Those that were made, and those for which there is nothing.
    practices
        The checklist.
    """

    path: Path
    methods: Sequence[Json]
    figures: Sequence[Made | Absent]
    practices: Sequence[Practice]

    def to_dict(self) -> Json:
        """As JSON values."""
        made = [figure for figure in self.figures if isinstance(figure, Made)]
        absent = [figure for figure in self.figures if isinstance(figure, Absent)]
        return {
            "report": str(self.path),
            "methods": list(self.methods),
            "figures": [{"name": one.name, "title": one.title, "files": list(one.files)} for one in made],
            "not_made": [{"name": one.name, "title": one.title, "why": one.why} for one in absent],
            "checklist": [practice.to_dict() for practice in self.practices],
        }


def report(
    evidence: Evidence, *, beside: Sequence[Evidence] = (), out: Path | None = None, kind: str = STANDARD_ERROR
) -> Report:
    """Make a report.

    Parameters
    ----------
    evidence
        Of the run; see `gathered`.
    beside
        Of runs in the same space and by the same recipe on other datasets.
    out
        The folder; None for `report` in that of the run.
    kind
        Of the bands; see `analysis.bands`.

    Raises
    ------
    StoreError
        If matplotlib is not installed, or the folder cannot be written to.
    """
    folder = evidence.run.folder / FOLDER if out is None else out
    before = _files_shown(folder)
    figures = make_figures(figures_of(evidence, beside=beside, known=aliases(), kind=kind), folder)
    methods, practices = rows(evidence.searches, evidence.asked), checklist(evidence)
    try:
        (folder / PAGE).write_text(page(evidence, methods, figures, practices), "utf-8")
        for name in before - {file for figure in figures if isinstance(figure, Made) for file in figure.files}:
            (folder / name).unlink(missing_ok=True)
    except OSError as reason:
        raise StoreError(f"the report cannot be written to {folder} ({reason})") from None
    return Report(folder / PAGE, methods, figures, practices)


def _files_shown(folder: Path) -> set[str]:
    """The figures that an earlier report in a folder shows; none where its page is none of ours."""
    with contextlib.suppress(OSError, ValueError), (folder / PAGE).open(encoding="utf-8") as file:
        text = file.read(LONGEST_PAGE)
        if text.startswith(FIRST) and PRACTICES in text:
            return set(LINK.findall(text))
    return set()
