"""Records with documents that are architectures: what a verification finds nothing bad in."""

import dataclasses
import functools

from jitnas_fn.core.entry import architecture_entry, record_entry
from jitnas_fn.core.task import key_of
from jitnas_fn.graphs.architecture import Architecture
from tests.samples import SALT, a_record, sealed_with


@functools.cache
def architecture(number=0):
    """A ReLU of `number` + 1 features."""
    nodes = [{"op": "relu", "attrs": {}, "inputs": [["x", "x0"]]}]
    inputs = [{"name": "x0", "shape": [number + 1], "dtype": "float32"}]
    document = {"opset": 1, "inputs": inputs, "parameters": [], "buffers": [], "nodes": nodes, "outputs": ["n0"]}
    return Architecture.from_document(document)


def record(number=0, fingerprint=None, **named):
    """A record of `architecture(number)`."""
    sample = a_record(number, fixed_salt=SALT, **named)
    parts = {**sample.parts, "fingerprint": fingerprint or architecture(number).fingerprint}
    return sealed_with(dataclasses.replace(sample, parts=parts, key=key_of(parts)), SALT)


def entries(*numbers):
    """Document and record of each."""
    found = []
    for number in numbers:
        made = architecture(number)
        found += [architecture_entry(made.fingerprint, made.document), record_entry(record(number))]
    return found
