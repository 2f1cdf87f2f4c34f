"""From a model to its architecture: traced, written down, and validated."""

from typing import Any

from jitnas_fn.core.codec import digest
from jitnas_fn.core.collector import without_collector
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.document import document_of
from jitnas_fn.tracing.capture import ONE_AT_A_TIME
from jitnas_fn.tracing.rebuild import Rebuilt
from jitnas_fn.tracing.trace import traced
from jitnas_fn.tracing.unchanged import remember, remembered, signature_of
from jitnas_fn.tracing.validation import validate as validated


def translated(model: Any, input_shape: Any, *, dtype: Any, initialisation: str, validate: bool) -> Architecture:
    """The architecture of a model; see `Architecture.from_module`."""
    with ONE_AT_A_TIME, without_collector():  # validation changes the numbers of a model for a while
        about = repr((input_shape, dtype, initialisation, validate))
        signature = signature_of(model) if validate else None  # a trace alone costs little more than to read a model in full
        known = remembered(model, about, signature)
        if known is not None:
            return known
        found = traced(model, input_shape, dtype=dtype, initialisation=initialisation)
        document, names = document_of(found.graph)
        architecture = Architecture(document, digest(document))
        if validate and type(found.module) is not Rebuilt:  # which is made from a document, and draws from its own streams
            validated(found, architecture.graph, names)
        remember(model, about, signature, architecture)
        return architecture
