"""A program changed in exactly one place."""

import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from tests.tracing.programs.catalogue import OPERATIONS
from tests.tracing.programs.drawing import WITH_START, pruned, shapes_of
from tests.tracing.programs.specification import Attrs, Mutation, Program, Shape
from tests.tracing.programs.starts import STARTS

Candidates = Callable[[Program, list[Shape], random.Random], Iterator[Mutation]]


def mutated(program: Program, seed: int, among: Collection[str] = ()) -> Mutation | None:
    """The program with one change chosen by `seed` among some kinds, or all; None if none leaves a program that runs."""
    rng, shapes = random.Random(f"mutation {seed}"), shapes_of(program)
    kinds = list(among or KINDS)
    rng.shuffle(kinds)
    if rng.random() < 0.5:
        kinds.sort(key=lambda kind: kind not in RARE)
    for kind in kinds:
        found = list(KINDS[kind](program, shapes or [], rng))
        rng.shuffle(found)
        for mutation in found[:3]:
            if shapes_of(mutation.program) is not None:
                return Mutation(pruned(mutation.program), kind, mutation.where)
    return None


def _others(attrs: Attrs, shape: Shape, op: str) -> Iterator[tuple[str, Attrs]]:
    for name, values in (OPERATIONS[op].choices(shape) or {}).items():
        for value in {repr(value): value for value in values}.values():
            if name in attrs and value != attrs[name]:
                yield f"{name} {attrs[name]} -> {value}", {**attrs, name: value}


def _attribute(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        if step.layer is None:
            for where, attrs in _others(step.attrs, shapes[step.sources[0]], step.op):
                yield Mutation(program.with_step(i, replace(step, attrs=attrs)), "", f"{step.op}: {where}")
        elif program.layers[step.layer].copy_of is None and all(other.copy_of != step.layer for other in program.layers):
            layer = program.layers[step.layer]
            for where, attrs in _others(layer.attrs, shapes[step.sources[0]], step.op):
                yield Mutation(program.with_layer(step.layer, replace(layer, attrs=attrs)), "", f"{step.op}: {where}")


def _operation(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        for op, other in OPERATIONS.items():
            choices = other.choices(shapes[step.sources[0]])
            if (
                step.layer is None
                and op != step.op
                and not other.layer
                and other.arity == len(step.sources)
                and choices is not None
            ):
                attrs = {name: rng.choice(values) for name, values in choices.items()}
                yield Mutation(program.with_step(i, replace(step, op=op, attrs=attrs)), "", f"{step.op} -> {op}")


def _edge(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        for place, source in enumerate(step.sources):
            for other in range(program.value(i)):
                if other != source and shapes[other] == shapes[source]:
                    sources = (*step.sources[:place], other, *step.sources[place + 1 :])
                    where = f"{step.op}: source {place}, x{source} -> x{other}"
                    yield Mutation(program.with_step(i, replace(step, sources=sources)), "", where)


def _swap(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        if len(set(step.sources)) > 1 and not OPERATIONS[step.op].commutes:
            yield Mutation(program.with_step(i, replace(step, sources=step.sources[::-1])), "", f"{step.op}: sources reversed")


def _cut(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        yield Mutation(program.with_step(i, replace(step, cut=not step.cut)), "", f"{step.op}: detach")


def _tie(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        for other, layer in enumerate(program.layers):
            if step.layer not in (None, other) and layer == program.layers[step.layer]:
                yield Mutation(program.with_step(i, replace(step, layer=other)), "", f"{step.op}: L{step.layer} -> L{other}")


def _untie(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        if step.layer is not None and sum(other.layer == step.layer for other in program.steps) > 1:
            wider = replace(program, layers=(*program.layers, program.layers[step.layer]))
            fresh = wider.with_step(i, replace(step, layer=len(program.layers)))
            yield Mutation(fresh, "", f"{step.op}: a layer of its own")


def _freeze(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, layer in enumerate(program.layers):
        if layer.kind not in ("constant", "instance_norm", "batch_norm", "group_norm", "layer_norm", "rms_norm"):
            for frozen in ("", "all", "weight"):
                if frozen != layer.frozen:
                    yield Mutation(
                        program.with_layer(i, replace(layer, frozen=frozen)), "", f"L{i}: {layer.frozen} -> {frozen}"
                    )


def _start(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, layer in enumerate(program.layers):
        if layer.kind in WITH_START and layer.copy_of is None:
            for start in ("default", *STARTS):
                if start != layer.start:
                    yield Mutation(program.with_layer(i, replace(layer, start=start)), "", f"L{i}: {layer.start} -> {start}")


def _copy(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, layer in enumerate(program.layers):
        for origin in range(len(program.layers)):
            alike = program.layers[origin] == layer and layer.kind in ("conv", "linear") and layer.start == "default"
            if origin < i and layer.copy_of is None and alike:
                yield Mutation(program.with_layer(i, replace(layer, copy_of=origin)), "", f"L{i}: a copy of L{origin}")


def _recompute(program: Program, shapes: list[Shape], rng: random.Random) -> Iterator[Mutation]:
    for i, step in enumerate(program.steps):
        if step.op == "batch_norm" and program.layers[step.layer or 0].attrs["track"] and not step.cut:
            yield Mutation(program.with_step(i, replace(step, recomputed=True)), "", "batch_norm: keeps its statistics twice")


RARE = ("tie", "untie", "copy", "operands", "recompute")
KINDS: dict[str, Candidates] = {
    "attribute": _attribute,
    "operation": _operation,
    "edge": _edge,
    "operands": _swap,
    "detach": _cut,
    "tie": _tie,
    "untie": _untie,
    "freeze": _freeze,
    "start": _start,
    "copy": _copy,
    "recompute": _recompute,
}
