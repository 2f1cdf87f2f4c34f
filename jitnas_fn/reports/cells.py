"""Pictures of what each method found: the point that was best on validation over all of its seeds."""

import re
from collections.abc import Sequence

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.graphs.drawings.cells import drawn
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.figure import Absent, Figure, Picture
from jitnas_fn.search.found import Found

NAME, TITLE = "cell", "What was found"
LONGEST = 60


def best_of(evidence: Evidence, method: str) -> Found | None:
    """The search of a method whose choice was worth the most on validation; None if none chose anything."""
    chosen = [search for search in evidence.of(method) if search.validation is not None and search.point is not None]
    sign = 1.0 if evidence.asked.dataset["direction"] == "maximise" else -1.0
    return max(chosen, key=lambda search: sign * (search.validation or 0.0), default=None)


def cells(evidence: Evidence) -> Sequence[Figure]:
    """One picture for each method."""
    if evidence.asked.space not in shelf.names("spaces"):
        return [Absent(name=NAME, title=TITLE, why="the space is not one of this jitnas_fn")]
    return [_picture(evidence, method, number) for number, method in enumerate(evidence.asked.methods, start=1)]


def _picture(evidence: Evidence, method: str, number: int) -> Figure:
    """What a method found; its settings, or whatever else stands in its name, are made letters that a file's name may have."""
    plain = re.sub(r"[^a-z0-9_]+", "-", method.lower())[:LONGEST].strip("-")
    name, title = f"{NAME}-{number}-{plain}", f"What {method} found"
    best = best_of(evidence, method)
    if best is None or best.point is None:
        why = "none of its networks could be trained" if evidence.of(method) else "none of its searches has come to its end"
        return Absent(name=name, title=title, why=why)
    space = shelf.take("spaces", evidence.asked.space).SPACE
    try:
        wirings = space.wirings(space.read(best.point))
    except JitnasError as reason:
        return Absent(name=name, title=title, why=f"its point cannot be read: {reason}")
    told = f"validation {evidence.metric} {best.validation:.4f}, seed {best.seed}"
    svg = drawn(wirings, title=f"{evidence.asked.space}: {method}", sentences=[best.point, told])
    return Picture(
        name=name, title=title, caption=f"The best of {method} on validation, over all of its seeds: {told}.", svg=svg
    )
