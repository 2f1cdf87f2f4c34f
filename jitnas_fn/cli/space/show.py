"""`jitnas space show`."""

from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.core import shelf
from jitnas_fn.core.cards import card_named
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import StoreError, TaskError
from jitnas_fn.graphs.drawings.cells import drawn


def show(
    space: Annotated[str, typer.Argument(help="Name of a search space; jitnas space list tells them.")],
    point: Annotated[str, typer.Argument(help="As its authors write it.")],
    *,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Name of a dataset, which states input and classes.")] = None,
    shape: Annotated[str | None, typer.Option("--input", help="Instead: one sample, such as 3,32,32.")] = None,
    classes: Annotated[int | None, typer.Option("--classes", help="With --input: number of outputs.", min=1)] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write a drawing of the cell to this file.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """What a point of a search space stands for: its key's fingerprint, parameters and multiply-adds.

    Both are counted over all layers that the point names, as published; those whose values reach no output are no part of the
    fingerprint.
    """
    with answering(as_json=as_json) as answer:
        found = shelf.take("spaces", space).SPACE
        input_shape, outputs = _fits(dataset, shape, classes)
        read = found.read(point)
        cost, architecture = found.cost(read, input_shape, outputs), found.architecture(read, input_shape, outputs)
        fields: Json = {
            "space": space,
            "point": found.written(read),
            "input_shape": list(input_shape),
            "classes": outputs,
            "fingerprint": architecture.fingerprint,
            "parameters": cost.parameters,
            "macs": cost.macs,
            "live_parameters": architecture.parameters,
            "live_macs": architecture.macs,
        }
        if svg is not None:
            _write(svg, drawn(found.wirings(read), title=space, sentences=[str(fields["point"]), _told(fields)]))
        answer.give(fields, text="\n".join(f"{name:<16}{value}" for name, value in fields.items()))


def _fits(dataset: str | None, shape: str | None, classes: int | None) -> tuple[tuple[int, ...], int]:
    """The shape of a sample and the number of outputs; raises `TaskError` or `UnknownName`."""
    if dataset is not None and shape is None and classes is None:
        card = card_named(dataset)
        return card.input_shape, card.outputs
    if dataset is None and shape is not None and classes is not None:
        return options.shape_of(shape), classes
    raise TaskError("a network is built for a dataset: --dataset cifar10, or --input 3,32,32 --classes 10")


def _told(fields: Json) -> str:
    return f"{fields['parameters']:,} parameters · {fields['macs']:,} multiply-adds · {str(fields['fingerprint'])[:12]}…"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as reason:
        raise StoreError(f"{path} cannot be written: {reason.strerror}") from None


COMMAND = show
