"""Operations on one tensor, element by element, that torch has by name; and softmax and its kin."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.graphs.operations import REQUIRED, Operation
from jitnas_fn.graphs.opset import OPERATIONS
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.arithmetic import combined, number
from jitnas_fn.tracing.spellings.table import TABLE, spelled
from jitnas_fn.tracing.traced import Recorder, name_of

HOMES = (F, torch, Tensor)
ALSO: dict[str, list[Any]] = {
    "abs": [torch.absolute, Tensor.absolute, Tensor.__abs__],
    "clamp": [torch.clip, Tensor.clip],
}
ALSO_IN_PLACE: dict[str, list[Any]] = {"clamp": [torch.clip_, Tensor.clip_]}


def called(name: str) -> list[Any]:
    """The functions of torch that have this name."""
    found = [getattr(home, name, None) for home in HOMES]
    return [function for function in found if callable(function)]


def _named(op: str, operation: Operation, *, always_in_place: bool) -> Any:
    arguments = operation.arguments

    def handler(r: Recorder, input: Any, *given: Any, **named: Any) -> Tensor:
        values = dict(zip([argument.name for argument in arguments] + ["inplace"], given, strict=False))
        if len(given) > len(arguments) + 1 or set(named) - {argument.name for argument in arguments} - {"inplace"}:
            refuse(f"{op} with arguments {sorted(named)}", "use those of torch.nn.functional")
        values.update(named)
        attrs = {argument.attribute: _plain(values.get(argument.name, argument.default)) for argument in arguments}
        node = r.add(op, [("x", r.node(input))], attrs)
        return r.overwrite(input, node) if always_in_place or values.get("inplace") else r.traced(node)

    return handler


def _plain(value: Any) -> Any:
    if value is REQUIRED:
        raise TypeError("an argument is missing")
    return value if value is None or isinstance(value, str) else number(value)


for _op, _operation in OPERATIONS.items():
    if _operation.torch:
        _name = _operation.torch
        spelled(*called(_name), *ALSO.get(_op, []))(_named(_op, _operation, always_in_place=False))
        spelled(*called(f"{_name}_"), *ALSO_IN_PLACE.get(_op, []))(_named(_op, _operation, always_in_place=True))


@spelled(F.relu6)
def _relu6(r: Recorder, input: Any, inplace: bool = False) -> Any:
    return TABLE[F.hardtanh](r, input, 0.0, 6.0, inplace)


@spelled(torch.clamp_min, Tensor.clamp_min)
def _clamp_min(r: Recorder, input: Any, min: Any) -> Any:
    return TABLE[torch.clamp](r, input, min, None)


@spelled(torch.clamp_max, Tensor.clamp_max)
def _clamp_max(r: Recorder, input: Any, max: Any) -> Any:
    return TABLE[torch.clamp](r, input, None, max)


def axis_from(r: Recorder, x: Any, dim: Any) -> int:
    """`dim` as an axis of x, counted from the front."""
    if type(dim) is not int:
        refuse(f"dim={dim!r}", "give one axis as an integer")
    return dim % len(r.shape(x)) if -len(r.shape(x)) <= dim < len(r.shape(x)) else dim


def _along(op: str) -> Any:
    def handler(r: Recorder, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
        x = input if dtype is None or name_of(dtype) == r.dtype(input) else TABLE[Tensor.to](r, input, dtype)
        return r.compute(op, [("x", x)], {"axis": axis_from(r, x, dim)})

    return handler


spelled(F.softmax)(_along("softmax"))
spelled(F.log_softmax)(_along("log_softmax"))


@spelled(torch.softmax, Tensor.softmax)
def _softmax(r: Recorder, input: Any, dim: Any, dtype: Any = None) -> Any:
    return TABLE[F.softmax](r, input, dim, 3, dtype)


@spelled(torch.log_softmax, Tensor.log_softmax)
def _log_softmax(r: Recorder, input: Any, dim: Any, dtype: Any = None) -> Any:
    return TABLE[F.log_softmax](r, input, dim, 3, dtype)


@spelled(F.softmin)
def _softmin(r: Recorder, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return TABLE[F.softmax](r, combined(r, [(-1.0, input)]), dim, _stacklevel, dtype)


@spelled(F.glu)
def _glu(r: Recorder, input: Any, dim: int = -1) -> Tensor:
    return r.compute("glu", [("x", input)], {"axis": axis_from(r, input, dim)})


@spelled(torch.prelu, F.prelu, Tensor.prelu)
def _prelu(r: Recorder, input: Any, weight: Any) -> Tensor:
    return r.compute("prelu", [("x", input), ("weight", weight)])
