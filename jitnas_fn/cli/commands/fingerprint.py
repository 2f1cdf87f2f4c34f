"""`jitnas fingerprint`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import Answer, answering
from jitnas_fn.cli.failures import FOUND, MISS, say
from jitnas_fn.cli.model_file import model_in
from jitnas_fn.core.errors import ModelFailed, ModelFileError, NotAModel, TaskError, UnknownInitialisation, UnsupportedModel
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.differences.difference import Difference, difference
from jitnas_fn.graphs.drawings.drawing import comparison, drawing

REFUSALS = (ModelFailed, NotAModel, UnknownInitialisation, UnsupportedModel)


def fingerprint(
    targets: options.Targets,
    *,
    shapes: options.InputShapes = None,
    dtypes: options.InputDtypes = None,
    initialisation: options.Initialisation = "as built",
    validate: options.Validate = True,
    explain: Annotated[bool, typer.Option("--explain", help="Of two models: where they differ, in words.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write a drawing to this file.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """The fingerprint of a model: equal for all ways to write the same architecture. With --explain, where two models differ.

    Two models that differ exit with 3.
    """
    if len(targets) != (2 if explain else 1):
        raise typer.BadParameter("--explain takes two models" if explain else "expected one model, or two with --explain")
    code = FOUND
    with answering(as_json=as_json) as answer:
        inputs = options.inputs_of(shapes, dtypes)
        found = [_keyed(target, inputs, initialisation, validate=validate, named=explain) for target in targets]
        if explain:
            told = difference(*found)
            if svg is not None:
                _write(svg, comparison(*found, titles=(_title(targets[0]), _title(targets[1])), found=told))
            code = FOUND if told.same else MISS
            _explained(answer, targets, found, told)
        else:
            if svg is not None:
                _write(svg, drawing(found[0], title=_title(targets[0])))
            fields = {"fingerprint": found[0].fingerprint, "parameters": found[0].parameters, "macs": found[0].macs}
            answer.give(fields, text="\n".join(f"{name:<12}{value}" for name, value in fields.items()))
    raise typer.Exit(code)


def _keyed(target: str, inputs: options.Inputs | None, initialisation: str, *, validate: bool, named: bool) -> Architecture:
    """The architecture of a target; where two are compared, a refusal says of which."""
    if target.endswith(".json"):
        return Architecture.from_json(_text(Path(target)))
    model = model_in(target)
    if isinstance(model, Architecture):
        return model
    if inputs is None:
        raise typer.BadParameter("a model needs --input, the shape of one sample, such as --input 3,32,32")
    shape: Any = inputs.shapes if len(inputs.shapes) > 1 else inputs.shapes[0]
    dtype: Any = inputs.dtypes if len(inputs.shapes) > 1 else inputs.dtypes[0]
    try:
        return Architecture.from_module(model, input_shape=shape, dtype=dtype, initialisation=initialisation, validate=validate)
    except REFUSALS as error:
        if not named:
            raise
        raise type(error)(f"{_title(target)} has no fingerprint: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"the document {path} cannot be read: {error}") from error


def _title(target: str) -> str:
    return Path(target).name


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise TaskError(f"the drawing cannot be written to {path}: {error.strerror}") from error
    say(f"jitnas: the drawing is in {path}")


def _explained(answer: Answer, targets: Sequence[str], found: Sequence[Architecture], told: Difference) -> None:
    fields = {
        "same": told.same,
        "fingerprints": [architecture.fingerprint for architecture in found],
        "differences": list(told.sentences),
    }
    lines = [f"{letter}  {found[i].fingerprint}  {targets[i]}" for i, letter in enumerate("AB")]
    verdict = "the same architecture" if told.same else "not the same architecture"
    answer.give(fields, text="\n".join([verdict, *lines, *(f"- {sentence}" for sentence in told.sentences)]))


COMMAND = fingerprint
