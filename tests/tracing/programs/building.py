"""From a program and a spelling to an `nn.Module`."""

import copy
import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.tracing.programs.catalogue import OPERATIONS
from tests.tracing.programs.layers import KINDS
from tests.tracing.programs.neutral import DEAD, NEUTRAL
from tests.tracing.programs.operations import Call
from tests.tracing.programs.specification import Program
from tests.tracing.programs.spelling import Spelling, plain
from tests.tracing.programs.starts import begin, started

Values = dict[int, Tensor]
Statement = Callable[["Assembled", Values], None]


class Assembled(nn.Module):
    """Runs statements one after the other on numbered values."""

    def __init__(self, statements: list[Statement], outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.statements, self.outputs = statements, outputs

    def forward(self, *inputs: Tensor) -> Any:
        """A tensor, or a tuple of several."""
        values = dict(enumerate(inputs))
        for statement in self.statements:
            statement(self, values)
        found = tuple(values[i] for i in self.outputs)
        return found[0] if len(found) == 1 else found


class Builder:
    """Builds the network of a program; a callable without arguments, each call a new one.

    Attributes
    ----------
    starts
        For the parameters of the network built last: id -> (how it begins, number of the layer whose draw it is and its name).
    """

    def __init__(self, program: Program, spelling: Spelling | None = None) -> None:
        self.program, self.spelling = program, spelling or plain(program)
        self.starts: dict[int, tuple[str, tuple[int, str]]] = {}
        self.places: dict[tuple[int, str], Tensor] = {}

    def __call__(self) -> nn.Module:
        """A new network."""
        spelling = self.spelling
        network = Assembled(self._statements(), self.program.outputs)
        self.starts, self.places, layers = {}, {}, {}  # type: ignore[var-annotated]
        for number in spelling.build_order:
            layers[number] = self._built(number, layers)
        if "modules" in spelling.neutral.values():
            network.add_module("nothing", nn.Sequential(nn.Identity(), nn.Sequential(nn.Dropout(0.0), nn.Dropout(p=0))))
        for kind in spelling.dead:
            network.add_module(f"unused_{kind}", DEAD[kind]())
        for number in spelling.register_order:
            _registered(network, spelling.paths[number], layers[number])
        return network

    def _built(self, number: int, layers: dict[int, nn.Module]) -> nn.Module:
        layer, rng = self.program.layers[number], random.Random(f"{self.spelling.arguments}/{number}")
        origin = number
        if layer.copy_of is not None:
            built, origin = copy.deepcopy(layers[layer.copy_of]).requires_grad_(True), layer.copy_of
        else:
            built = KINDS[layer.kind](layer.attrs, rng)
            begin(built, layer.start, random.Random(f"{self.spelling.starts}/{number}"))
        for name, parameter in built.named_parameters():
            if layer.frozen in ("all", name) or layer.kind == "constant":
                parameter.requires_grad_(False)
            start = self.program.layers[origin].start
            if layer.kind != "constant":
                self.starts[id(parameter)] = started(built, name, parameter, start), (origin, name)
            self.places[number, name] = parameter
        return built

    def _statements(self) -> list[Statement]:
        spelling, statements, at = self.spelling, [], 0
        runs = dict(spelling.checkpoints)
        while at < len(spelling.order):
            length = runs.get(at, 0)
            steps = spelling.order[at : at + max(1, length)]
            made = [self._statement(step) for step in steps]
            statements += [self._checkpointed(steps, made)] if length else made
            at += len(steps)
        return statements

    def _checkpointed(self, steps: list[int], made: list[Statement]) -> Statement:
        program = self.program
        given = [program.value(step) for step in steps]
        taken = sorted({s for step in steps for s in program.steps[step].sources} - set(given))

        def statement(network: "Assembled", values: Values) -> None:
            def part(*xs: Tensor) -> tuple[Tensor, ...]:
                inner = dict(zip(taken, xs, strict=True))
                for one in made:
                    one(network, inner)
                return tuple(inner[i] for i in given)

            found = checkpoint(part, *[values[i] for i in taken], use_reentrant=False)
            values.update(zip(given, found, strict=True))

        return statement

    def _statement(self, number: int) -> Statement:
        spelling, step, target = self.spelling, self.program.steps[number], self.program.value(number)
        operation = OPERATIONS[step.op]
        way = operation.in_place if number in spelling.in_place else operation.ways[spelling.ways[number] % len(operation.ways)]
        assert way is not None
        neutral = [NEUTRAL[spelling.neutral.get((number, place), "none")] for place in range(len(step.sources))]
        sources = [(s, neutral[place]) for place, s in enumerate(step.sources)]
        swapped = operation.commutes and number in spelling.swapped
        attrs = step.attrs if step.layer is None else self.program.layers[step.layer].attrs
        path = None if step.layer is None else spelling.paths[step.layer]
        quiet = number in spelling.quiet

        def statement(network: "Assembled", values: Values) -> None:
            xs = [change(network, values[s]) for s, change in sources]
            call = Call(attrs, network.get_submodule(path) if path else None, network.training)
            with torch.set_grad_enabled(False) if quiet and step.cut else torch.enable_grad():
                xs = xs[::-1] if swapped else xs
                y = checkpoint(way, call, *xs, use_reentrant=False) if step.recomputed else way(call, *xs)
            values[target] = y.detach() if step.cut and not quiet else y

        return statement


def _registered(network: nn.Module, path: str, layer: nn.Module) -> None:
    *homes, name = path.split(".")
    home = network
    for part in homes:
        if part not in home._modules:
            home.add_module(part, nn.Module())
        home = home.get_submodule(part)
    home.add_module(name, layer)
