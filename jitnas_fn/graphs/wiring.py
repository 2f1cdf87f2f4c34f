"""A cell, or a chain of layers, as the choice that it is: labelled nodes and the edges between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jitnas_fn.core.errors import PointError

MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Wiring:
    """A cell, or a whole chain, as a graph of labelled nodes.

    Attributes
    ----------
    labels
        Of the nodes; those that come from outside are "input" or begin so, the last is "output". One that only adds or joins
        what comes in has an empty one.
    edges
        (source, target).
    """

    labels: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    def paths(self) -> Iterator[tuple[str, ...]]:
        """The labels between an input and the output, on every way there is. Raises `PointError` beyond 100,000 steps."""
        after: dict[int, list[int]] = {}
        for source, target in self.edges:
            after.setdefault(source, []).append(target)
        todo: list[tuple[int, tuple[str, ...]]] = [(i, ()) for i, label in enumerate(self.labels) if label.startswith("input")]
        for _ in range(MOST_STEPS):
            if not todo:
                return
            node, way = todo.pop()
            for target in after.get(node, ()):
                if target == len(self.labels) - 1:
                    yield way
                else:
                    label = self.labels[target]
                    todo.append((target, (*way, label) if label else way))
        raise PointError(f"there are more than {MOST_STEPS:,} steps on the ways through this point: encode it otherwise")

    def in_order(self) -> "Wiring":
        """The same with every node behind those it reads."""
        before: dict[int, set[int]] = {node: set() for node in range(len(self.labels))}
        for source, target in self.edges:
            before[target].add(source)
        order: list[int] = []
        while before:
            ready = [node for node in sorted(before) if not before[node]]
            if not ready:
                raise PointError("the edges of a wiring lead in a circle")
            order += ready
            before = {node: sources.difference(ready) for node, sources in before.items() if node not in ready}
        place = {node: number for number, node in enumerate(order)}
        edges = sorted((place[source], place[target]) for source, target in self.edges)
        return Wiring(tuple(self.labels[node] for node in order), tuple(edges))


def chain(labels: Sequence[str]) -> Wiring:
    """One node behind the other."""
    return Wiring(("input", *labels, "output"), tuple((node, node + 1) for node in range(len(labels) + 1)))
