"""One program, written in another way: every choice is a feature that can be left out, to find the one that matters."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tests.tracing.programs.catalogue import OPERATIONS
from tests.tracing.programs.layers import WITH_STATISTICS
from tests.tracing.programs.neutral import DEAD, NEUTRAL
from tests.tracing.programs.specification import Program

FEATURES = (
    *("names", "build order", "register order", "order", "ways", "arguments", "starts", "neutral", "dead", "checkpoint"),
    *("in place", "swapped", "no_grad"),
)
SWITCHING = ("switch", "noise", "scaled_in_training", "drop_path")  # operations that tell training from evaluation
SCALING = ("sum", "scale", "shift", "inverse", "attend", "root")  # written with factors of one, or not
ONE_NODE = ("relu", "tanh", "sigmoid", "silu", "linear", "softmax", "cumsum", "product", "flip")  # alike within no_grad


@dataclass(slots=True)
class Spelling:
    """What is chosen.

    Attributes
    ----------
    paths
        For each layer its name in the module.
    build_order, register_order
        Of the layers.
    order
        Of the steps.
    ways
        For each step the number of its way.
    neutral
        (step, place of the source) -> name in `NEUTRAL`.
    dead
        Names in `DEAD`.
    checkpoints
        (place in the order, number of steps that are checkpointed together).
    in_place, swapped, quiet
        Steps that write in place; whose sources change places; cut by `no_grad` instead of `detach`.
    arguments, starts
        Seeds of the ways in which layers are built and begun.
    """

    paths: list[str]
    build_order: list[int]
    register_order: list[int]
    order: list[int]
    ways: list[int]
    neutral: dict[tuple[int, int], str] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    checkpoints: list[tuple[int, int]] = field(default_factory=list)
    in_place: set[int] = field(default_factory=set)
    swapped: set[int] = field(default_factory=set)
    quiet: set[int] = field(default_factory=set)
    arguments: str = ""
    starts: str = ""


def plain(program: Program) -> Spelling:
    """The first way of everything."""
    layers, steps = range(len(program.layers)), range(len(program.steps))
    return Spelling([f"l{i}" for i in layers], [*layers], [*layers], [*steps], [0 for _ in steps])


def respelled(program: Program, seed: int, features: Collection[str] = FEATURES, *, bold: bool = False) -> Spelling:
    """A spelling of `program`, chosen by `seed` in the named features; if `bold`, also one that may have another key."""
    found = plain(program)
    for feature in features:
        CHOOSERS[feature](program, found, random.Random(f"{seed}/{feature}"))
    if not bold:
        _tame(program, found)
    if "checkpoint" in features:  # a part that is recomputed writes nothing in place
        inside = {found.order[at + i] for at, length in found.checkpoints for i in range(length)}
        found.in_place -= inside
    return found


def _tame(program: Program, found: Spelling) -> None:
    """Leave out what the normal form does not know: it comes after training and evaluation are brought together."""
    if any(step.op in SWITCHING for step in program.steps):
        found.neutral = {}
        found.ways = [
            0 if step.op in (*SWITCHING, *SCALING) else way for step, way in zip(program.steps, found.ways, strict=True)
        ]
    found.quiet = {i for i in found.quiet if program.steps[i].op in ONE_NODE}


def _names(program: Program, found: Spelling, rng: random.Random) -> None:
    homes = ["", "body.", "parts.deep.", "0."]
    words = rng.sample(range(100), len(program.layers))
    found.paths = [f"{rng.choice(homes)}{rng.choice('abcxyz')}{word}" for word in words]


def _build_order(program: Program, found: Spelling, rng: random.Random) -> None:
    rng.shuffle(found.build_order)
    found.build_order.sort(key=lambda i: program.layers[i].copy_of is not None)  # copies come after what they copy


def _order(program: Program, found: Spelling, rng: random.Random) -> None:
    """Another order in which values come after what they read, and calls of one batch-norm stay in theirs."""
    need: dict[int, set[int]] = {}
    for i, step in enumerate(program.steps):
        need[i] = {s - len(program.inputs) for s in step.sources if s >= len(program.inputs)}
        if step.layer is not None and program.layers[step.layer].kind in WITH_STATISTICS:
            need[i] |= {j for j in range(i) if program.steps[j].layer == step.layer}
    order: list[int] = []
    while len(order) < len(need):
        order.append(rng.choice([i for i in need if i not in order and need[i] <= set(order)]))
    found.order = order


def _ways(program: Program, found: Spelling, rng: random.Random) -> None:
    found.ways = [rng.randrange(60) for _ in program.steps]


def _neutral(program: Program, found: Spelling, rng: random.Random) -> None:
    edges = [(i, place) for i, step in enumerate(program.steps) for place in range(len(step.sources))]
    found.neutral = {edge: rng.choice([*NEUTRAL]) for edge in edges if rng.random() < 0.3}


def _dead(program: Program, found: Spelling, rng: random.Random) -> None:
    found.dead = rng.sample([*DEAD], rng.randrange(3))


def _checkpoint(program: Program, found: Spelling, rng: random.Random) -> None:
    at = 0
    while at < len(found.order):
        length = rng.choice([0, 0, 1, 2])
        steps = [program.steps[i] for i in found.order[at : at + length]]
        plain = [
            not OPERATIONS[s.op].draws and not (s.layer is not None and program.layers[s.layer].kind in WITH_STATISTICS)
            for s in steps
        ]
        if length and len(steps) == length and all(plain):
            found.checkpoints.append((at, length))
        at += max(1, length)


def _in_place(program: Program, found: Spelling, rng: random.Random) -> None:
    for i, step in enumerate(program.steps):
        producer = step.sources[0] - len(program.inputs)
        if OPERATIONS[step.op].in_place is None or producer < 0 or program.readers(step.sources[0]) != 1 or step.cut:
            continue
        before = program.steps[producer]
        if OPERATIONS[before.op].saves_nothing and not before.cut and (i, 0) not in found.neutral and rng.random() < 0.6:
            found.in_place.add(i)


def _swapped(program: Program, found: Spelling, rng: random.Random) -> None:
    found.swapped = {i for i in range(len(program.steps)) if rng.random() < 0.5}


def _no_grad(program: Program, found: Spelling, rng: random.Random) -> None:
    found.quiet = {i for i in range(len(program.steps)) if rng.random() < 0.5}


def _seeds(program: Program, found: Spelling, rng: random.Random) -> None:
    found.arguments = str(rng.random())


def _starts(program: Program, found: Spelling, rng: random.Random) -> None:
    found.starts = str(rng.random())


CHOOSERS: dict[str, Callable[[Program, Spelling, random.Random], None]] = {
    "names": _names,
    "build order": _build_order,
    "register order": lambda program, found, rng: rng.shuffle(found.register_order),
    "order": _order,
    "ways": _ways,
    "arguments": _seeds,
    "starts": _starts,
    "neutral": _neutral,
    "dead": _dead,
    "checkpoint": _checkpoint,
    "in place": _in_place,
    "swapped": _swapped,
    "no_grad": _no_grad,
}
