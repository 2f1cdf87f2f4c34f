"""How long a training will take, and how long its job will wait, judged by those that were before it at the same site.

Durations spread by factors, so their logarithms are taken for normal. The spread is that of the past ones, drawn towards what
is usual where they are few.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, Self

from jitnas_fn.core.bounds import LARGEST, LONGEST_SECONDS, whole
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import EnvelopeError
from jitnas_fn.core.task import HASH

SHARE = 0.8  # of cases that an interval should hold
NORMAL = NormalDist()
QUANTILE = NORMAL.inv_cdf((1 + SHARE) / 2)
FAR = 5.0  # standard deviations
USUAL_COUNT = 3  # so many cases the usual spread weighs
RECENT, NEAREST = 20, 10  # cases that count
SHORTEST_SECONDS = 1e-3
LARGEST_COUNT = 10**15


@dataclass(frozen=True, slots=True)
class About:
    """What of a task says how long it takes: hashes of architecture, dataset and recipe, epochs, multiply-adds of one sample.

    The architecture is "" and the multiply-adds are 0 for a model without a key.
    """

    fingerprint: str
    dataset: str
    recipe: str
    epochs: int
    macs: int

    def to_dict(self) -> Json:
        """As it is sent."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, fields: object) -> Self:
        """As it came; raises `EnvelopeError`."""
        names = set(cls.__slots__)
        if not isinstance(fields, dict) or set(fields) != names:
            raise EnvelopeError(f"about has the fields {', '.join(sorted(names))}")
        hashes = [fields["fingerprint"] or "0" * 64, fields["dataset"], fields["recipe"]]
        counts = [fields["epochs"], fields["macs"]]
        if not all(isinstance(one, str) and HASH.fullmatch(one) for one in hashes) or type(fields["fingerprint"]) is not str:
            raise EnvelopeError("fingerprint (which may be empty), dataset and recipe of about are 64 hexadecimal digits")
        if any(whole(count, most=LARGEST_COUNT) is None for count in counts):
            raise EnvelopeError(f"epochs and macs of about are whole numbers from 0 to {LARGEST_COUNT}")
        return cls(**fields)


class Past(NamedTuple):
    """A training that came to its end: what it was, seconds that it took, and its job with the seconds that it had waited."""

    about: About
    seconds: float
    job: str | None = None
    pending_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate.

    Attributes
    ----------
    seconds, low, high
        The likely duration, and bounds that hold four of five cases. [s]
    basis
        What it was judged by, in words.
    """

    seconds: float
    low: float
    high: float
    basis: str

    def __add__(self, other: "Span") -> "Span":
        """One after the other. The bounds hold at least as many cases as each of both did."""
        basis = "; ".join(dict.fromkeys(part for part in (self.basis, other.basis) if part))
        return Span(self.seconds + other.seconds, self.low + other.low, self.high + other.high, basis)

    def after(self, elapsed: float) -> "Span":
        """The rest of what has lasted for `elapsed` seconds already, and is known not to be over."""
        if elapsed <= 0 or not 0 < self.low <= self.seconds <= self.high:
            return self
        middle, spread = math.log(self.seconds), (math.log(self.high) - math.log(self.low)) / (2 * QUANTILE)
        if not spread:
            return self
        gone = (math.log(elapsed) - middle) / spread
        over = NORMAL.cdf(gone)

        def quantile(share: float) -> float:
            if gone > FAR:  # the tail of the normal distribution, where it is that of an exponential one
                return elapsed * math.expm1(-math.log1p(-share) * spread / gone)
            return max(0.0, _exp(middle + spread * NORMAL.inv_cdf(over + share * (1 - over))) - elapsed)

        seconds, low, high = (min(quantile(share), LONGEST_SECONDS) for share in (0.5, (1 - SHARE) / 2, (1 + SHARE) / 2))
        return Span(seconds, low, high, self.basis)

    def to_dict(self) -> Json:
        """As it is sent."""
        return {"seconds": self.seconds, "low": self.low, "high": self.high, "basis": self.basis}


NOTHING = Span(0.0, 0.0, 0.0, "")


def span(durations: Sequence[float], *, usual: float, basis: str, apart: float = 0.0) -> Span | None:
    """The estimate from past durations [s]; None if there are none.

    Parameters
    ----------
    durations
        At least one.
    usual
        Standard deviation of their logarithms where nothing is known.
    basis
        What they are.
    apart
        By how much the logarithms of all of them may be off together, where they are another kind of case.
    """
    logs = [math.log(max(SHORTEST_SECONDS, one)) for one in durations]
    if not logs:
        return None
    count, mean = len(logs), math.fsum(logs) / len(logs)
    variance = (math.fsum((log - mean) ** 2 for log in logs) + USUAL_COUNT * usual**2) / (count + USUAL_COUNT)
    reach = QUANTILE * math.sqrt(variance * (1 + 1 / count) + apart**2)
    return Span(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), basis)


def training_span(about: About, past: Iterable[Past]) -> Span | None:
    """How long a training takes; None if there was none on its dataset.

    The closest kind of evidence counts alone. How far each is off was measured on the published snapshot: the same task under
    another seed by 16%, the nearest ones under the same recipe by 40%, anything else by a factor of two.

    Parameters
    ----------
    about
        The task.
    past
        Trainings of the same site, the latest first.
    """
    known = [one for one in past if one.about.dataset == about.dataset]
    alike = [one for one in known if one.about.recipe == about.recipe]
    same = [one.seconds for one in alike if one.about.fingerprint == about.fingerprint != ""][:RECENT]
    if same:
        return span(same, usual=0.15, basis=_counted(len(same), "of the same architecture and recipe"))
    if alike:
        near = [one.seconds for one in _nearest(about, alike)]
        return span(near, usual=0.5, basis=_counted(len(near), "of other architectures with the same recipe"))
    near = [one.seconds * max(1, about.epochs) / max(1, one.about.epochs) for one in _nearest(about, known)]
    return span(near, usual=0.5, apart=0.6, basis=_counted(len(near), "with other recipes"))


def pending_span(past: Iterable[Past]) -> Span | None:
    """How long a job waits before it begins; None if that is not known of any.

    Parameters
    ----------
    past
        Trainings of the same site, the latest first. Each job counts once.
    """
    jobs = {one.job: one.pending_seconds for one in past if one.job is not None and one.pending_seconds is not None}
    waits = [max(1.0, seconds) for seconds in list(jobs.values())[:RECENT]]
    return span(waits, usual=1.0, basis=f"{len(waits)} earlier job{'s' if len(waits) > 1 else ''}")


def _exp(power: float) -> float:
    """The exponential function, up to the largest float."""
    return math.exp(min(power, math.log(LARGEST)))


def _nearest(about: About, past: list[Past]) -> list[Past]:
    """Those that compute about as much for a sample; the latest where that is not known."""
    if not about.macs:
        return past[:RECENT]
    own = math.log(about.macs)
    return sorted(past, key=lambda one: abs(math.log(max(1, one.about.macs)) - own))[:NEAREST]


def _counted(count: int, what: str) -> str:
    return f"{count} training{'s' if count > 1 else ''} {what}"
