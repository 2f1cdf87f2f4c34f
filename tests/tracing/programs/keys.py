"""The key of a network that was built here, as the trace alone gives it, and whether validation agrees."""

import gc
import warnings
from dataclasses import dataclass

from jitnas_fn.core.codec import Json, digest
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.graphs.document import document_of, graph_of
from jitnas_fn.tracing.trace import Traced, traced
from jitnas_fn.tracing.validation import validate
from tests.tracing.programs.building import Builder
from tests.tracing.programs.specification import Program
from tests.tracing.programs.spelling import Spelling


@dataclass(slots=True)
class Keyed:
    """One network and its key.

    Attributes
    ----------
    fingerprint
        By the trace alone; empty if that refuses it.
    names
        Node of the trace -> its name in the document.
    refusal
        By the trace, or by validation.
    validated
        Whether it was validated.
    """

    builder: Builder
    fingerprint: str = ""
    document: Json | None = None
    names: dict[int, str] | None = None
    found: Traced | None = None
    refusal: str = ""
    validated: bool = False

    @property
    def key(self) -> str:
        """The fingerprint, if validation agrees."""
        return self.fingerprint if self.validated else ""


def shapes_and_types(program: Program):
    """Input shapes and types as `Architecture.from_module` takes them."""
    several = len(program.inputs) > 1
    return (program.inputs, ("float32",) * len(program.inputs)) if several else (program.inputs[0], "float32")


def keyed(program: Program, spelling: Spelling | None = None, *, validated: bool = True) -> Keyed:
    """The key of a program in a spelling. Refusals are noted, other errors go through."""
    result = Keyed(Builder(program, spelling))
    shapes, types = shapes_and_types(program)
    enabled = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result.found = traced(result.builder, shapes, dtype=types)
            result.document, result.names = document_of(result.found.graph)
            result.fingerprint = digest(result.document)
            if validated:
                validate(result.found, graph_of(result.document), result.names)
                result.validated = True
    except JitnasError as reason:
        result.refusal = f"{type(reason).__name__}: {reason}"
    finally:
        if enabled:
            gc.enable()
    return result
