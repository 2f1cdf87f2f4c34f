"""`jitnas fingerprint`."""

from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.model_file import model_in
from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.architecture import Architecture


def fingerprint(
    target: options.Target,
    *,
    shape: Annotated[str, typer.Option("--input", help="One sample as the network sees it, such as 3,32,32.")],
    dtype: Annotated[str, typer.Option("--dtype", help="Of the input.")] = "float32",
    initialisation: options.Initialisation = "as built",
    as_json: options.AsJson = False,
) -> None:
    """The fingerprint of a model: equal for all ways to write the same architecture."""
    with answering(as_json=as_json) as answer:
        model = model_in(target)
        if not isinstance(model, Architecture):
            model = Architecture.from_module(model, input_shape=shape_of(shape), dtype=dtype, initialisation=initialisation)
        fields = {"fingerprint": model.fingerprint, "parameters": model.parameters, "macs": model.macs}
        answer.give(fields, text="\n".join(f"{name:<12}{value}" for name, value in fields.items()))


def shape_of(text: str) -> tuple[int, ...]:
    """The shape in "3,32,32"; raises `TaskError`."""
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise TaskError(f"an input shape is whole numbers above 0 with commas between, such as 3,32,32, not {text[:80]!r}")
    return tuple(int(part) for part in parts)


COMMAND = fingerprint
