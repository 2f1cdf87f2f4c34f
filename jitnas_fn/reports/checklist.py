"""The fourteen practices of Lindauer and Hutter, each with what a run shows of it. Nothing in it is typed by hand.

References
----------
.. [1] M. Lindauer and F. Hutter, "Best Practices for Scientific Research on Neural Architecture Search", JMLR 2020.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jitnas_fn.core.codec import Json
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.facts import Facts
from jitnas_fn.reports.practices import cost, fairness, openness
from jitnas_fn.reports.practices.finding import Finding
from jitnas_fn.reports.words import escaped, heading

PRACTICES: tuple[tuple[str, Callable[[Evidence, Facts], Finding]], ...] = (
    ("Publish how networks are trained", openness.pipeline),
    ("Publish the code of the method", openness.code),
    ("Publish it as it was used, before it is tidied up", openness.early),
    ("Compare on one benchmark: data, space and training", fairness.benchmark),
    ("Leave out parts of the method, one by one", fairness.ablation),
    ("Evaluate all alike, and never choose on test", fairness.protocol),
    ("Tell what is reached for how much compute", cost.compute),
    ("Compare with random sampling and random search", fairness.baselines),
    ("Run several seeds, and list them", fairness.seeds),
    ("Use tables or surrogates where there are some", openness.tabular),
    ("Keep hardware, libraries and time the same", cost.confounders),
    ("Report how methods were tuned, and count that time", cost.tuning),
    ("Report the whole cost, from beginning to end", cost.end_to_end),
    ("Report every detail of the set-up", openness.details),
)


@dataclass(frozen=True, slots=True)
class Practice:
    """One practice.

    Attributes
    ----------
    number, title
        From 1, as in [1]_ of this file; in our words.
    answer
        "yes", "partly" or "no".
    there, lacks
        What is there, and what would have to be; sentences.
    """

    number: int
    title: str
    answer: str
    there: Sequence[str]
    lacks: Sequence[str]

    def to_dict(self) -> Json:
        """As JSON values."""
        return {
            "number": self.number,
            "title": self.title,
            "answer": self.answer,
            "there": list(self.there),
            "lacks": list(self.lacks),
        }


def checklist(evidence: Evidence) -> list[Practice]:
    """All fourteen, judged by a run and the records at hand."""
    facts, found = Facts(evidence), []
    for number, (title, judge) in enumerate(PRACTICES, start=1):
        finding = judge(evidence, facts)
        found.append(Practice(number, title, finding.answer, finding.there, finding.lacks))
    return found


def as_markdown(practices: Sequence[Practice]) -> str:
    """A table, one row for each."""
    lines = [heading("", "practice", "", "what there is", "what would make it a yes")]
    for one in practices:
        there, lacks = (escaped(" ".join(sentences)) for sentences in (one.there, one.lacks))
        lines.append(f"| {one.number} | {one.title} | **{one.answer}** | {there} | {lacks} |")
    return "\n".join(lines)
