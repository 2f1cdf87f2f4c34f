"""What must hold of any text: it is refused with a typed error, soon and in little memory, or it is a network that runs."""

import math
import resource
import signal
import sys
import time

import torch

from jitnas_fn.core.errors import JitnasError
from jitnas_fn.graphs.architecture import Architecture

ALLOWED = (
    "more than 1 value per channel",
    "not implemented for 'Half'",
    "not implemented for 'BFloat16'",
)  # the batch, the device
READ_SECONDS, RUN_SECONDS = 5.0, 20
READ_BYTES = 600 * 2**20  # more memory for reading one document
SMALL_ELEMENTS, SMALL_MACS, SMALL_NODES = 1_000_000, 20_000_000, 400


class _TooLong(BaseException):
    pass


def _ring(number: int, frame: object) -> None:
    raise _TooLong


def outcome_of(text: str, *, run: bool = True) -> tuple[str, str]:
    """("refused", type), ("ran", ""), ("read", "") or ("FAILED", what is wrong)."""
    began, held = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        architecture = Architecture.from_json(text)
    except JitnasError as error:
        outcome = "refused", type(error).__name__
    except Exception as error:  # noqa: BLE001 (any other exception is what is looked for)
        return "FAILED", f"reading raised {told(error)}"
    else:
        outcome = "read", ""
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) * (1 if sys.platform == "darwin" else 1024)
    if more > READ_BYTES:
        return "FAILED", f"reading took {more / 2**20:.0f} MiB"
    if time.process_time() - began > READ_SECONDS:
        return "FAILED", f"reading took {time.process_time() - began:.1f} s"
    return outcome if outcome[0] == "refused" else _as_promised(architecture, run=run)


def told(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {str(error)[:160]}"


def _as_promised(architecture: Architecture, *, run: bool) -> tuple[str, str]:
    try:
        again = Architecture.from_json(architecture.to_json())
        sizes = architecture.parameters, architecture.macs
    except Exception as error:  # noqa: BLE001
        return "FAILED", f"read, but reading it back or counting raised {told(error)}"
    if (again.fingerprint, again.to_json()) != (architecture.fingerprint, architecture.to_json()):
        return "FAILED", "read, but its own text has another fingerprint"
    nodes = architecture.graph.nodes
    elements = sum(abs(math.prod(node.shape)) for node in nodes)
    if not run or elements > SMALL_ELEMENTS or sizes[1] > SMALL_MACS or len(nodes) > SMALL_NODES:
        return "read", ""
    for training in (False, True):
        wrong = _run(architecture, training=training)
        if wrong:
            return "FAILED", f"{'training' if training else 'evaluation'}: {wrong}"
    return "ran", ""


def _run(architecture: Architecture, *, training: bool) -> str:
    graph = architecture.graph
    try:
        model = architecture.build(0).train(training)
        given = [
            torch.zeros(2, *node.shape[1:], dtype=getattr(torch, node.dtype)) for node in graph.nodes if node.op == "input"
        ]
        found = model(*given)
    except JitnasError:
        return ""
    except Exception as error:  # noqa: BLE001
        return "" if any(text in str(error) for text in ALLOWED) else f"running raised {told(error)}"
    values = [found] if isinstance(found, torch.Tensor) else list(found)
    promised = [[-2 * size if size < 0 else size for size in graph.nodes[i].shape] for i in graph.outputs]
    met = [list(value.shape) for value in values]
    dtypes = [str(value.dtype) == f"torch.{graph.nodes[i].dtype}" for value, i in zip(values, graph.outputs, strict=True)]
    return "" if met == promised and all(dtypes) else f"promised {promised}, gave {met}, {[v.dtype for v in values]}"


def guarded(text: str) -> tuple[str, str]:
    """`outcome_of`, given up after `RUN_SECONDS`."""
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(RUN_SECONDS)
    try:
        return outcome_of(text)
    except _TooLong:
        return "FAILED", f"no answer in {RUN_SECONDS} s"
    finally:
        signal.alarm(0)
