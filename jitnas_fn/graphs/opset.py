"""The set of operations.

To add one: an entry in the table of the newest opset, and, unless torch has it by name, how it is spelled and run in `tracing`.

A document states the lowest opset that has all its operations, so an addition never changes an existing fingerprint. What an
operation computes is PyTorch's definition of the function of the same name.
"""

from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.operations import Operation
from jitnas_fn.graphs.opset_1 import OPSET_1
from jitnas_fn.graphs.opset_2 import OPSET_2

OPSET = 2
OPERATIONS: dict[str, Operation] = OPSET_1 | OPSET_2


def operation(name: str) -> Operation:
    """The operation called `name`.

    Raises
    ------
    DocumentError
        If no version of the set of operations that this package knows has it.
    """
    if not isinstance(name, str) or name not in OPERATIONS:
        raise DocumentError(f"no operation {str(name)[:60]!r} in opset {OPSET}; this jitnas_fn may be too old for the document")
    return OPERATIONS[name]
