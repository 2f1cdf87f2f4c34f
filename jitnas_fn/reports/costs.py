"""The figure of what networks are worth for what they cost, and which of them are the best for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jitnas_fn.analysis.front import pareto_front
from jitnas_fn.graphs.differences.wording import counted
from jitnas_fn.reports._plotting import BASELINES, PLAIN, Look, add_legend, label, logarithmic, note_at_edge, time_unit
from jitnas_fn.reports.evidence import Evidence, Network
from jitnas_fn.reports.figure import Absent, Cell, Plot

SECONDS, PARAMETERS = "seconds", "parameters"
NAME, TITLE = "accuracy-cost", "What networks are worth for what they cost"
MANY_MARKS = 40  # of one method
POOREST = 0.2  # part of the networks that may lie outside, so that one sees how the others differ
MOST_DOTS = 3000  # of which each is a shape of its own in an SVG; more are an image in it


@dataclass(frozen=True, slots=True)
class Costs:
    """Networks whose cost of one kind is known.

    Attributes
    ----------
    networks, costs
        Which, and what each costs.
    front
        Places of those that no other beats on both.
    """

    networks: Sequence[Network]
    costs: Sequence[float]
    front: Sequence[int]


def costs_of(evidence: Evidence) -> dict[str, Costs]:
    """Kind of cost → the networks that were trained by the whole recipe, as far as their cost is known."""
    whole = [network for network in evidence.networks() if network.rung == evidence.top]
    found = {}
    for kind in (SECONDS, PARAMETERS):
        pairs = [(network, cost) for network in whole if (cost := _cost(evidence, network, kind))]
        sign = 1.0 if evidence.asked.dataset["direction"] == "maximise" else -1.0
        front = pareto_front([cost for _, cost in pairs], [sign * network.validation for network, _ in pairs])
        if pairs:
            found[kind] = Costs([network for network, _ in pairs], [cost for _, cost in pairs], front)
    return found


def accuracy_cost(evidence: Evidence) -> Plot | Absent:
    """Validation against seconds of training and against parameters."""
    found = costs_of(evidence)
    if not found:
        return Absent(
            name=NAME, title=TITLE, why="no record at hand says what a training cost or how many parameters there are"
        )
    chosen = _chosen(evidence)

    def draw(figure: Any, axes: Sequence[Any]) -> None:
        for panel, (kind, costs) in zip(axes, found.items(), strict=True):
            _draw(panel, kind, costs, chosen, Look(evidence.asked.methods), evidence.asked.dataset["direction"])
        axes[0].set_ylabel(f"validation {label(evidence.metric)}{evidence.bracketed_unit}")
        add_legend(figure, axes)

    caption = (
        f"Every network that was trained by the whole recipe, once: {evidence.metric} on validation against "
        f"{' and '.join(found)}. Line: those that no other beats on both. Marks: what the searches chose."
    )
    if evidence.table is not None:
        caption += (
            " Of a network with several rows: what the first search was told, and the parameters of the point it asked for."
        )
    if PARAMETERS not in found:
        caption += " No record at hand says how many parameters there are."
    if SECONDS not in found:
        caption += " No record says how many seconds its training took."
    return Plot(
        name=NAME,
        title=TITLE,
        caption=caption,
        columns=("key", "point", "validation", *found, *(f"on_front_{kind}" for kind in found), "chosen_by"),
        rows=_rows(found, chosen),
        panels=len(found),
        draw=draw,
    )


def _cost(evidence: Evidence, network: Network, kind: str) -> float | None:
    if kind == SECONDS:
        return network.seconds
    parameters = evidence.parameters_of(network)
    return None if parameters is None else float(parameters)


def _chosen(evidence: Evidence) -> dict[str, list[str]]:
    """Key → the methods that chose it in some search."""
    found: dict[str, list[str]] = {}
    for search in evidence.searches:
        if search.key is not None and search.method not in found.setdefault(search.key, []):
            found[search.key].append(search.method)
    return found


def _rows(found: Mapping[str, Costs], chosen: Mapping[str, Sequence[str]]) -> list[list[Cell]]:
    networks = {network.key: network for costs in found.values() for network in costs.networks}
    cost = {kind: dict(zip((one.key for one in costs.networks), costs.costs, strict=True)) for kind, costs in found.items()}
    front = {kind: {costs.networks[place].key for place in costs.front} for kind, costs in found.items()}
    return [
        [
            key,
            network.point,
            network.validation,
            *(cost[kind].get(key) for kind in found),
            *(int(key in front[kind]) for kind in found),
            " ".join(chosen.get(key, ())),
        ]
        for key, network in networks.items()
    ]


def _draw(panel: Any, kind: str, costs: Costs, chosen: Mapping[str, Sequence[str]], look: Look, direction: str) -> None:
    scale, unit = time_unit(max(costs.costs)) if kind == SECONDS else (1.0, "")
    across = [cost / scale for cost in costs.costs]
    up = [network.validation for network in costs.networks]
    many = len(across) > MOST_DOTS
    panel.scatter(across, up, s=9, color="#b8c1ca", linewidth=0, rasterized=many, label=f"evaluated, n = {len(across):,}")
    line = [(across[place], up[place]) for place in costs.front]
    panel.step(*zip(*line, strict=True), where="post", color=PLAIN, linewidth=1.2, zorder=3, label="Pareto front")
    for method in sorted(look.methods, key=lambda method: method not in BASELINES):  # what matters lies above
        places = [place for place, one in enumerate(costs.networks) if method in chosen.get(one.key, ())]
        panel.scatter(
            [across[place] for place in places],
            [up[place] for place in places],
            s=34 if len(places) <= MANY_MARKS else 16,
            marker=look.marker(method),
            color=look.colour(method),
            edgecolor="white",
            linewidth=0.6,
            zorder=4,
            label=label(method),
        )
    panel.set_xlabel(f"training [{unit}]" if unit else kind)
    _zoom(panel, up, direction)
    if max(across) > 10 * min(across):
        logarithmic(panel.xaxis)


def _zoom(panel: Any, up: Sequence[float], direction: str) -> None:
    """Leave out the poorest, and say how many."""
    below = direction == "maximise"
    rising = sorted(up, reverse=not below)
    poorest, best = rising[int(POOREST * len(rising))], rising[-1]
    if poorest == rising[0] or poorest == best:
        return
    edge = poorest - 0.06 * (best - poorest)
    panel.set_ylim(*sorted((edge, best + 0.06 * (best - poorest))))
    outside = sum(value < edge if below else value > edge for value in up)
    if outside:
        note_at_edge(panel, [(counted(outside, "network"), PLAIN)], below=below)
