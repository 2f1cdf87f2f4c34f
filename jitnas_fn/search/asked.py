"""What a run was asked for: all that decides what it finds."""

import dataclasses
from dataclasses import dataclass, field

from jitnas_fn.core.codec import Json, digest

LATER = ("warm", "seconds_line", "methods", "seeds", "versions")  # what may be another when the same is asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run was asked for: all that decides what it finds.

    Attributes
    ----------
    kind
        "search", "compare" or "replay".
    space, dataset
        By name; `dataset` is the card's {name, version, sha256, metric, direction, unit, splits}.
    ladder
        The recipes from the cheapest to the one that counts, all fields of each.
    final
        By which recipe the best was trained in the end; None for the last of the ladder.
    training_seed
        Of every training; None for a published table.
    bounds
        {most_parameters, most_macs, most_seconds}, None for no bound.
    budget
        {evaluations, seconds} of each search, None for no bound.
    most_warm
        How many known points a search is told before its first step, at most.
    in_flight
        How many were under way at most.
    methods, seeds
        Every one of the methods was run with every one of the seeds.
    table
        Of a replay: {name, source, sha256, networks, optimum: {validation, test}, seconds_judged}; else
        None. The last says how seconds were judged that were not published, with R² if it is a line.
    warm
        Points that were known before the first step, as they are written, each with the key and the id of its record.
    seconds_line
        By what trainings were judged against the bound of seconds: {intercept, slope, r2, networks}; None without that bound.
    versions
        {jitnas_fn, python, torch}, as far as it is installed.
    """

    kind: str
    space: str
    dataset: Json
    ladder: list[Json]
    final: Json | None
    training_seed: int | None
    bounds: Json
    budget: Json
    in_flight: int
    most_warm: int
    methods: list[str]
    seeds: list[int]
    table: Json | None = None
    warm: list[list[str]] = field(default_factory=list)
    seconds_line: Json | None = None
    versions: Json = field(default_factory=dict)

    def to_dict(self) -> Json:
        """As JSON values."""
        return dataclasses.asdict(self)

    @property
    def searches(self) -> list[tuple[str, int]]:
        """(method, seed) of each search, method by method."""
        return [(method, seed) for method in self.methods for seed in self.seeds]

    @property
    def name(self) -> str:
        """Under which it is kept: the same for whoever asks the same again, whatever was known by then."""
        same = {name: value for name, value in self.to_dict().items() if name not in LATER}
        same["version"] = self.versions.get("jitnas_fn")
        what = f"{self.table['name']}-{self.dataset['name']}" if self.table else f"{self.space}-{self.dataset['name']}"
        return f"{self.kind}-{what}-{digest(same)[:8]}"
