"""A network as a program: layers, and statements that apply them or an operation to earlier values. No torch."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Attrs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """What has parameters or buffers.

    Attributes
    ----------
    kind
        Name in `layers.KINDS`.
    start
        Name in `starts.STARTS`: how the weight begins.
    frozen
        "" or "all" or "weight" or "bias": what takes no gradients.
    copy_of
        The layer with whose numbers it begins.
    """

    kind: str
    attrs: Attrs
    start: str = "default"
    frozen: str = ""
    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One statement. Values are numbered: the inputs first, then what each step gives.

    Attributes
    ----------
    op
        Name in `operations.OPERATIONS`.
    layer
        Number of the layer that it applies.
    cut
        Whether no gradient flows through its value.
    recomputed
        Whether it is run again when gradients are taken, as checkpoints do: not the same where it keeps statistics.
    """

    op: str
    sources: tuple[int, ...]
    attrs: Attrs
    layer: int | None = None
    cut: bool = False
    recomputed: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A network: one sample's shape of each input, layers, steps, and the numbers of the values it gives."""

    inputs: tuple[Shape, ...]
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def value(self, step: int) -> int:
        """Number of the value that a step gives."""
        return len(self.inputs) + step

    def readers(self, value: int) -> int:
        """How often a value is read; an output counts."""
        return sum(step.sources.count(value) for step in self.steps) + self.outputs.count(value)

    def with_step(self, place: int, step: Step) -> "Program":
        """The program with another statement in this place."""
        return replace(self, steps=(*self.steps[:place], step, *self.steps[place + 1 :]))

    def with_layer(self, place: int, layer: Layer) -> "Program":
        """The program with another layer in this place."""
        return replace(self, layers=(*self.layers[:place], layer, *self.layers[place + 1 :]))

    def __str__(self) -> str:
        """The program, a line for each layer and statement."""
        lines = [f"x{i}: {list(shape)}" for i, shape in enumerate(self.inputs)]
        for i, layer in enumerate(self.layers):
            about = [layer.start] * (layer.start != "default") + [f"{layer.frozen} frozen"] * bool(layer.frozen)
            about += [] if layer.copy_of is None else [f"copy of L{layer.copy_of}"]
            lines.append(f"L{i} = {layer.kind}({_shown(layer.attrs)}) {' '.join(about)}".rstrip())
        for i, step in enumerate(self.steps):
            given = [f"x{s}" for s in step.sources] + ([] if step.layer is None else [f"L{step.layer}"])
            cut = " .detach()" * step.cut + " in a checkpoint" * step.recomputed
            lines.append(f"x{self.value(i)} = {step.op}({', '.join([*given, *[_shown(step.attrs)] * bool(step.attrs)])}){cut}")
        return "\n".join([*lines, f"return {', '.join(f'x{v}' for v in self.outputs)}"])


class Mutation(NamedTuple):
    """A program that differs from another in one place, and what and where that is."""

    program: Program
    kind: str
    where: str


def _shown(attrs: Attrs) -> str:
    return ", ".join(f"{name}={value}" for name, value in attrs.items())
