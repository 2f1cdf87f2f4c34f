"""The architectures nearest to one that has no record: how far they are, what differs, and what is known of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from jitnas_fn.client.standings import Standing
from jitnas_fn.client.summary_glance import Row
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.differences.difference import difference
from jitnas_fn.graphs.differences.nearness import Apart, Outline, apart, outline
from jitnas_fn.graphs.differences.wording import counted
from jitnas_fn.graphs.document import graph_of

NEIGHBOURS = 3
SENTENCES = 3
MOST_COMPARED = 2_000  # documents read, some 0.5 ms each
MOST_LAYERS = 2_000  # of either of two that are compared in words, which takes up to 0.6 s
Rows = Sequence[Row]
Documents = Callable[[str], Json | None]  # fingerprint -> document, None where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An architecture that has records on the dataset.

    Attributes
    ----------
    fingerprint
        Of the architecture.
    distance
        The fewest layers to change, add or take away so that both have the same (`graphs.differences.nearness.Apart`).
    layers
        Number of layers of the larger of the two.
    parameters
        Number of parameters.
    differences
        One to three sentences. A is the architecture that was asked for, B this one.
    records
        Its records on the dataset, of any recipe and seed.
    verdicts
        Verdict → records.
    metric
        What is measured on the dataset's validation part.
    best
        Best value of the metric, with the recipe that was asked for if that has one, else with any; None if there is none.
    recipe
        Name of the recipe that `best` was reached with.
    """

    fingerprint: str
    distance: int
    layers: int
    parameters: int
    differences: tuple[str, ...]
    records: int
    verdicts: dict[str, int]
    metric: str
    best: float | None
    recipe: str | None

    def to_dict(self) -> Json:
        """All of it."""
        return {**asdict(self), "differences": list(self.differences)}

    def __str__(self) -> str:
        """A line, and one for each difference."""
        differ = f"{self.distance or 'none'} of {counted(self.layers, 'layer')} differ{'s' if self.distance == 1 else ''}"
        known = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        if self.best is not None:
            known = f"{counted(self.records, 'record')}, validation {self.metric} {self.best:.4g} with {self.recipe}"
        first = f"{self.fingerprint[:12]}…  {differ}; {counted(self.parameters, 'parameter')}; {known}"
        return "\n".join([first, *(f"  - {sentence}" for sentence in self.differences)])


@dataclass(frozen=True, slots=True)
class Vicinity:
    """What there is around an architecture.

    Attributes
    ----------
    nearest
        At most `NEIGHBOURS`, in the order of `graphs.differences.nearness.Apart`, then of the fingerprint.
    compared
        Number of architectures that these are the nearest of.
    undocumented
        Records that were left out because the document of their architecture is missing or cannot be read.
    """

    nearest: tuple[Neighbour, ...] = ()
    compared: int = 0
    undocumented: int = 0


class Candidate(NamedTuple):
    """An architecture that was compared; the nearest is the least."""

    apart: Apart
    fingerprint: str
    layers: int
    parameters: int


def vicinity(
    architecture: Architecture,
    others: Mapping[str, Rows],
    *,
    metric: str,
    documents: Documents,
    standing: Callable[[Rows], Standing],
) -> Vicinity:
    """The nearest of the architectures that have records.

    Parameters
    ----------
    architecture
        What was asked for.
    others
        Fingerprint → its records, of other architectures. Of more than `MOST_COMPARED` those are compared whose records state
        the most similar numbers of parameters.
    metric
        What is measured.
    documents
        Where documents come from. They may be any JSON: what describes no network is left out.
    standing
        Tells what records say, summed up.
    """
    own = outline(architecture.document)
    tried = sorted(others, key=lambda name: (abs(_parameters(others[name]) - own.parameters), name))[:MOST_COMPARED]
    candidates = sorted(_candidates(own, tried, documents))
    nearest: list[Neighbour] = []
    unreadable: set[str] = set(tried) - {candidate.fingerprint for candidate in candidates}
    for candidate in candidates:
        if len(nearest) == NEIGHBOURS:
            break
        name = candidate.fingerprint
        stands = standing(others[name])
        if not stands.records:  # its lines do not hold what they say
            unreadable.add(name)
            continue
        try:
            told = _told(architecture, Architecture(documents(name) or {}, name), layers=candidate.layers)
        except DocumentError:
            unreadable.add(name)
        else:
            nearest.append(_neighbour(candidate, stands, metric=metric, differences=told))
    left_out = sum(len(others[name]) for name in unreadable)
    return Vicinity(tuple(nearest), compared=len(tried) - len(unreadable), undocumented=left_out)


def _parameters(rows: Rows) -> int:
    """What the records state; -1 if none does."""
    return max(row.parameters for row in rows)


def _candidates(own: Outline, tried: Iterable[str], documents: Documents) -> Iterable[Candidate]:
    for name in tried:
        try:
            other = outline(documents(name) or {})
        except DocumentError:
            continue
        yield Candidate(apart(own, other), name, max(own.size, other.size), other.parameters)


def _neighbour(candidate: Candidate, standing: Standing, *, metric: str, differences: tuple[str, ...]) -> Neighbour:
    best = standing.best
    return Neighbour(
        fingerprint=candidate.fingerprint,
        distance=candidate.apart.layers,
        layers=candidate.layers,
        parameters=candidate.parameters,
        differences=differences,
        records=standing.records,
        verdicts=dict(sorted(standing.verdicts.items())),
        metric=metric,
        best=None if best is None else best.value,
        recipe=None if best is None else best.recipe,
    )


def _told(a: Architecture, b: Architecture, *, layers: int) -> tuple[str, ...]:
    """What differs, in at most `SENTENCES`; raises `DocumentError` if the document of `b` describes no network."""
    if layers > MOST_LAYERS:
        graph_of(b.document)
        return (f"More than {MOST_LAYERS:,} layers, too many to compare in words.",)
    sentences = difference(a, b).sentences
    if len(sentences) <= SENTENCES:
        return sentences
    return (*sentences[: SENTENCES - 1], f"And {counted(len(sentences) - SENTENCES + 1, 'more difference')}.")
