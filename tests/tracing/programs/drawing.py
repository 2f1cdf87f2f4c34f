"""Random programs: each statement is tried on numbers, so every program that is drawn runs."""

import random
import warnings
from dataclasses import replace

import torch

from tests.tracing.programs.building import Builder
from tests.tracing.programs.catalogue import NAMES, OPERATIONS
from tests.tracing.programs.specification import Layer, Program, Shape, Step
from tests.tracing.programs.starts import STARTS

INPUTS: list[tuple[Shape, ...]] = [((4,),), ((3, 4),), ((4, 4, 4),), ((4, 4, 4),), ((4,), (4,))]
WITH_START = {"conv", "linear", "gate", "conv_transpose", "prelu", "conv1d"}
SIMPLE = ("relu", "linear", "sum", "scale", "tanh", "product")  # few choices, so that programs collide


def drawn(seed: int, *, longest: int = 9, simple: bool = False) -> Program:
    """A random program.

    Parameters
    ----------
    seed
        Which one.
    longest
        Most steps.
    simple
        From very few operations and choices, so that many programs are the same network.
    """
    rng = random.Random(f"program {seed} {simple}")
    program = Program(((4,),) if simple else rng.choice(INPUTS), (), (), ())
    shapes = list(program.inputs)
    wanted = rng.randint(1, longest)
    for _ in range(20 * wanted):
        if len(program.steps) == wanted:
            break
        trial = _extended(program, shapes, rng, simple=simple)
        found = shapes_of(trial) if trial else None
        if trial and found:
            program, shapes = trial, found
    last = len(shapes) - 1
    outputs = (last,) if simple or rng.random() < 0.9 else (last, rng.randrange(len(program.inputs), last + 1))
    return pruned(replace(program, outputs=outputs))


def _extended(program: Program, shapes: list[Shape], rng: random.Random, *, simple: bool) -> Program | None:
    names = SIMPLE if simple else NAMES
    op = rng.choices(names, [OPERATIONS[name].weight for name in names])[0]
    operation = OPERATIONS[op]
    unread = [i for i in range(len(shapes)) if not program.readers(i) or i == len(shapes) - 1]
    first = rng.choice(unread) if rng.random() < 0.7 else rng.randrange(len(shapes))
    alike = [i for i, shape in enumerate(shapes) if shape == shapes[first]]
    fresh = [i for i in alike if i in unread] or alike
    sources = (first, *(rng.choice(fresh if rng.random() < 0.6 else alike) for _ in range(operation.arity - 1)))
    choices = operation.choices(shapes[first])
    if choices is None or (simple and op == "product" and len(set(sources)) == 1):
        return None
    picked = {name: values[0] if simple and rng.random() < 0.7 else rng.choice(values) for name, values in choices.items()}
    cut = rng.random() < (0.02 if simple else 0.05)
    if not operation.layer:
        return replace(program, steps=(*program.steps, Step(op, sources, picked, None, cut)))
    known = [i for i, layer in enumerate(program.layers) if layer.kind == operation.layer]
    if known and rng.random() < 0.35:  # a layer that is shared
        return replace(program, steps=(*program.steps, Step(op, sources, {}, rng.choice(known), cut)))
    layer = Layer(operation.layer, picked)
    if operation.layer in WITH_START and rng.random() < (0.1 if simple else 0.25):
        layer = replace(layer, start=rng.choice([*STARTS]))
    if operation.layer != "constant" and rng.random() < 0.08:
        layer = replace(layer, frozen=rng.choice(["all", "weight"]))
    if operation.layer == "linear" and rng.random() < 0.05:
        same = [i for i in known if program.layers[i].attrs == picked and program.layers[i].copy_of is None]
        layer = replace(layer, copy_of=same[0], start="default") if same else layer
    steps = (*program.steps, Step(op, sources, {}, len(program.layers), cut))
    return replace(program, layers=(*program.layers, layer), steps=steps)


def shapes_of(program: Program) -> list[Shape] | None:
    """The shape of each value for one sample, by running it; None if it does not run or its numbers grow too large."""
    whole = replace(program, outputs=tuple(range(program.value(len(program.steps)))))
    draw = torch.Generator().manual_seed(0)
    inputs = [torch.randn((2, *shape), generator=draw) for shape in program.inputs]
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        try:
            with torch.no_grad():
                values = Builder(whole)()(*inputs)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
            return None
    values = values if isinstance(values, tuple) else (values,)
    fine = all(value.shape[:1] == (2,) and value.dim() > 1 and value.numel() and value.abs().max() < 1e4 for value in values)
    small = all(value.numel() <= 2000 for value in values)
    return [tuple(value.shape[1:]) for value in values] if fine and small else None


def pruned(program: Program) -> Program:
    """The program without steps and layers that nothing comes of."""
    needed = set(program.outputs)
    for i in reversed(range(len(program.steps))):
        if program.value(i) in needed:
            needed |= set(program.steps[i].sources)
    kept = [i for i in range(len(program.steps)) if program.value(i) in needed]
    number = {**{i: i for i in range(len(program.inputs))}, **{program.value(i): program.value(n) for n, i in enumerate(kept)}}
    used = sorted(
        {i for step in (program.steps[k] for k in kept) if step.layer is not None for i in _with_origin(program, step.layer)}
    )
    place = {old: new for new, old in enumerate(used)}
    layers = [program.layers[i] for i in used]
    layers = [layer if layer.copy_of is None else replace(layer, copy_of=place[layer.copy_of]) for layer in layers]
    steps = []
    for i in kept:
        step = program.steps[i]
        sources, layer = tuple(number[s] for s in step.sources), None if step.layer is None else place[step.layer]
        steps.append(replace(step, sources=sources, layer=layer))
    return Program(program.inputs, tuple(layers), tuple(steps), tuple(number[i] for i in program.outputs))


def _with_origin(program: Program, layer: int) -> list[int]:
    origin = program.layers[layer].copy_of
    return [layer] if origin is None else [origin, layer]
