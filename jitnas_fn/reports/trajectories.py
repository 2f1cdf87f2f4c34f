"""What the best was by when: of one search, and of a method over its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from jitnas_fn.analysis.bands import STANDARD_ERROR, Band, bands_over
from jitnas_fn.analysis.steps import Steps, common_grid
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.search.found import Found

EVALUATIONS, SECONDS = "evaluations", "seconds"


@dataclass(frozen=True, slots=True)
class Line:
    """A method over its seeds.

    Attributes
    ----------
    split, method, seeds
        What it shows, of which method, over how many searches.
    places, bands
        Where, and what they come to there.
    end
        When the last of its searches ended.
    """

    split: str
    method: str
    seeds: int
    places: Sequence[float]
    bands: Sequence[Band]
    end: float

    def from_place(self, place: float) -> list[Band]:
        """The bands from a place on, and the last in any case."""
        return [band for other, band in zip(self.places, self.bands, strict=True) if other >= place] or [self.bands[-1]]


def lines(
    evidence: Evidence, split: str, against: str, *, kind: str = STANDARD_ERROR, optimum: float | None = None
) -> list[Line]:
    """One line for each method of which all searches say what their best was worth on a split.

    Parameters
    ----------
    evidence
        Of which run.
    split
        "validation" or "test".
    against
        "evaluations" or "seconds".
    kind
        Of the band; see `analysis.bands`.
    optimum
        What regret is from; None for the metric itself.
    """
    found = []
    for method in evidence.asked.methods:
        ways = [trajectory(evidence, search, split, against) for search in evidence.of(method)]
        begun = [way for way in ways if way is not None and way.places]
        if None in ways or not begun:
            continue
        if optimum is not None:
            begun = [way.regret(optimum, direction=evidence.asked.dataset["direction"]) for way in begun]
        places = common_grid(begun)
        end = max(way.end for way in begun)
        found.append(Line(split, method, len(begun), places, bands_over(begun, places, kind=kind), end))
    return found


def trajectory(evidence: Evidence, search: Found, split: str, against: str) -> Steps | None:
    """What the best of one search was worth, from when on; None if that is not known all the way.

    What was best on a cheaper rung counts only where its test was measured by the last recipe: two recipes are two measures.
    """
    clocks = [0.0, *(step.clock for step in search.steps)]
    rungs = [evidence.top, *(step.rung for step in search.steps)]
    by_last_recipe = split == "test" and evidence.asked.final is not None
    pairs: list[tuple[float, float]] = []
    for best in search.incumbents:
        if rungs[best.number] == evidence.top or by_last_recipe:
            value = evidence.measured(best.validation) if split == "validation" else best.test
            if value is None:
                return None
            pairs.append((clocks[best.number] if against == SECONDS else float(best.number), value))
    return Steps.through(pairs, end=clocks[-1] if against == SECONDS else float(len(search.steps)))
