"""What an operation is, more or less exactly, and what lies around it, as numbers that two graphs share."""

from collections.abc import Callable

from jitnas_fn.core.codec import canonical
from jitnas_fn.graphs.differences.layers import Layers

Labels = dict[int, int]
Numbers = dict[object, int]  # one number for each description met, in both graphs


def exact(layers: Layers, i: int) -> str:
    """With its attributes, and the parameters with their initialisation."""
    return layers.described(i)


def shaped(layers: Layers, i: int) -> str:
    """With its attributes, and the shapes of the parameters."""
    shapes = sorted((label, list(layers.node(leaf).shape)) for label, leaf in layers.leaves[i])
    return canonical([layers.node(i).op, layers.node(i).attrs, shapes])


def attributed(layers: Layers, i: int) -> str:
    """With its attributes."""
    return canonical([layers.node(i).op, layers.node(i).attrs])


def named(layers: Layers, i: int) -> str:
    """Its operation alone."""
    return layers.node(i).op


LEVELS: tuple[Callable[[Layers, int], str], ...] = (exact, shaped, attributed, named)


def labelled(layers: Layers, level: Callable[[Layers, int], str], numbers: Numbers) -> Labels:
    """A number for what each vertex is by itself."""
    inputs = {i: f"input {layers.node(i).attrs.get('position')}" for i in layers.vertices[: -len(layers.order) or None]}
    texts = {**inputs, **{i: level(layers, i) for i in layers.order}}
    ends: dict[int, list[int]] = {}
    for place, i in enumerate(layers.graph.outputs):
        ends.setdefault(i, []).append(place)
    return {i: _number(numbers, (text, tuple(ends.get(i, ())))) for i, text in texts.items()}


class Surroundings:
    """What lies around each vertex, as numbers that are equal for equal surroundings in both graphs.

    Parameters
    ----------
    layers
        The graph.
    labels
        What each vertex is by itself.
    anchors
        Vertices that have a partner, and a number for the pair.
    numbers
        Numbers that both graphs share.
    exact
        Whether the factors of a sum count.
    """

    def __init__(self, layers: Layers, labels: Labels, anchors: Labels, numbers: Numbers, *, exact: bool) -> None:
        self.layers, self.anchors, self.numbers, self.exact = layers, anchors, numbers, exact
        self.labels = {
            i: _number(numbers, ("pair", anchors[i]) if i in anchors else ("label", label)) for i, label in labels.items()
        }

    def all(self, *, down: bool) -> Labels:
        """For all that lies above (or below) each vertex up to the anchors, itself included."""
        found: Labels = {}
        for i in reversed(self.layers.vertices) if down else self.layers.vertices:
            found[i] = self.labels[i] if i in self.anchors else self._joined(i, found, down=down)
        return found

    def near(self, *, down: bool, steps: int = 2) -> Labels:
        """For what lies within a few steps below (or above) each vertex."""
        found = self.labels
        for _ in range(steps):
            found = {i: self._joined(i, found, down=down) for i in self.layers.vertices}
        return found

    def _joined(self, index: int, found: Labels, *, down: bool) -> int:
        around = self.layers.readers[index] if down else self.layers.sources.get(index, [])
        edges = sorted(("" if "." in label and not self.exact else label, found[other]) for label, other in around)
        return _number(self.numbers, (self.labels[index], tuple(edges)))


def _number(numbers: Numbers, key: object) -> int:
    return numbers.setdefault(key, len(numbers))
