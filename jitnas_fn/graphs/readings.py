"""What an operation may read, where shapes and types do not tell: running statistics, and integers that look something up."""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.operations import Shape
from jitnas_fn.graphs.shapes import need

Edges = tuple[tuple[str, int], ...]
Span = tuple[float, float]  # the least and the greatest number
WHOLE = {"int64": "q", "int32": "i"}


class Source(Protocol):
    """What is asked of a node that is read."""

    @property
    def op(self) -> str: ...  # noqa: D102
    @property
    def attrs(self) -> Json: ...  # noqa: D102
    @property
    def inputs(self) -> Edges: ...  # noqa: D102
    @property
    def shape(self) -> Shape: ...  # noqa: D102
    @property
    def dtype(self) -> str: ...  # noqa: D102


@dataclass(slots=True)
class Readings:
    """What the operations of one graph have read so far, and whether the next one may read what it does."""

    statistics: dict[int, tuple[int, int]] = field(default_factory=dict)  # buffer -> its partner, the last call that keeps it
    spans: dict[int, Span] = field(default_factory=dict)  # of the constants that look something up

    def check(self, nodes: Sequence[Source], op: str, attrs: Json, edges: Edges) -> None:
        """Raise `DocumentError` if operation `op`, the next of `nodes`, may not read those of `edges`."""
        read = {label: nodes[source] for label, source in edges}
        if op == "running_batch_norm":
            self._check_running(read, dict(edges), len(nodes))
        elif op == "frozen_batch_norm":
            need(not _is_trained(read["mean"]) and not _is_trained(read["variance"]), FROZEN)
        elif op == "group_norm":
            alone = "bias" in read and "weight" not in read
            need(
                not alone or read["bias"].attrs.get("trainable") is not True,
                "torch trains no bias of a group_norm without weight",
            )
        elif op == "take":
            self._check_index(nodes, dict(edges)["index"], read["x"].shape, attrs["axis"])

    def _check_running(self, read: dict[str, Source], at: dict[str, int], number: int) -> None:
        """Calls on the same statistics are told in their order, each after the one before."""
        need({read["mean"].op, read["variance"].op} == {"buffer"}, "a batch_norm keeps its statistics in buffers")
        mean, variance = at["mean"], at["variance"]
        partner, last = self.statistics.get(mean, (variance, -1))
        alone = partner == variance and self.statistics.get(variance, (mean, last)) == (mean, last)
        need(mean != variance and alone, "mean and variance of a batch_norm are two buffers, and always the same two")
        fits = at.get("after", -1) == last
        need(fits, "a batch_norm reads as `after` the batch_norm before it on the same statistics, and is told none otherwise")
        self.statistics[mean], self.statistics[variance] = (variance, number), (mean, number)

    def _check_index(self, nodes: Sequence[Source], index: int, shape: Shape, axis: int) -> None:
        if index not in self.spans:
            self.spans[index] = _span_of(nodes, index)
        least, greatest = self.spans[index]
        first = 0 if axis == 0 and len(shape) == 2 else -shape[axis]  # from the end, but not into the rows of a table
        need(
            first <= least and greatest < shape[axis], f"an index lies in {first}…{shape[axis] - 1}, not in {least}…{greatest}"
        )


FROZEN = "a frozen batch_norm reads its statistics from buffers, constants or parameters that are not trained"


def _is_trained(node: Source) -> bool:
    return node.op not in ("buffer", "constant", "full") and (node.op != "parameter" or bool(node.attrs.get("trainable", True)))


def _span_of(nodes: Sequence[Source], index: int) -> Span:
    """Between which numbers the entries of a node lie; 0 and 0 if only running it can tell."""
    node = nodes[index]
    if node.op == "constant":
        content = base64.b64decode(node.attrs["content"])
        kind = WHOLE[node.dtype]
        numbers = struct.unpack(f"<{len(content) // struct.calcsize(f'<{kind}')}{kind}", content)
        return min(numbers), max(numbers)
    begins = nodes[node.inputs[0][1]] if node.op == "parameter" and node.inputs else node
    return _span_drawn(begins.attrs["init"]) if "init" in begins.attrs else (0, 0)


def _span_drawn(init: Json) -> Span:
    """Between which whole numbers an initialisation draws."""
    ((kind, numbers),) = init.items()
    if kind == "rows":
        spans = [_span_drawn(piece) for _, piece in numbers]
        return min(least for least, _ in spans), max(greatest for _, greatest in spans)
    if kind == "normal":
        return float("-inf"), float("inf")
    bounds = [numbers] if kind == "const" else numbers[-2:]
    return int(bounds[0]), int(bounds[-1])
