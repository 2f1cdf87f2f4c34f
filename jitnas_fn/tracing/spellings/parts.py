"""How torch spells parts of a tensor and joins."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.outside import outside_the_trace
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.spellings.views import axis_of, unsqueeze, view
from jitnas_fn.tracing.traced import Recorder


def _part(r: Recorder, x: Any, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    return view(r, x, "slice", {"axis": axis, "start": start, "stop": stop, "step": step})


@spelled(torch.narrow, Tensor.narrow)
def _narrow(r: Recorder, input: Any, dim: int, start: int, length: int) -> Tensor:
    return _part(r, input, axis_of(dim, len(r.shape(input))), start, start + length)


def _pieces(r: Recorder, x: Any, axis: int, lengths: list[int]) -> tuple[Tensor, ...]:
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    if sum(lengths) != r.shape(x)[axis]:
        refuse(f"a split into {lengths} of an axis with {r.shape(x)[axis]}", "let the lengths add up")
    return tuple(_part(r, x, axis, start, start + length) for start, length in zip(starts, lengths, strict=True))


def _even(size: int, length: int) -> list[int]:
    if size < 0 or length < 1:
        refuse("a split of the batch, or into nothing", "split a feature axis")
    return [min(length, size - start) for start in range(0, size, length)]


@spelled(torch.chunk, Tensor.chunk)
def _chunk(r: Recorder, input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    axis = axis_of(dim, len(r.shape(input)))
    size = r.shape(input)[axis]
    return _pieces(r, input, axis, _even(size, -(-size // chunks)))


@spelled(torch.split, Tensor.split)
def _split(r: Recorder, tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    axis = axis_of(dim, len(r.shape(tensor)))
    given = split_size_or_sections
    return _pieces(r, tensor, axis, list(given) if isinstance(given, (tuple, list)) else _even(r.shape(tensor)[axis], given))


def _selected(r: Recorder, x: Any, axis: int, index: int) -> Tensor:
    shape = r.shape(x)
    if type(index) is not int or shape[axis] < 0 or not -shape[axis] <= index < shape[axis]:
        refuse(f"index {index!r} into {list(shape)}", "take one entry of a feature axis")
    one = _part(r, x, axis, index % shape[axis], index % shape[axis] + 1)
    return view(r, one, "reshape", {"shape": [size for i, size in enumerate(shape) if i != axis]})


@spelled(torch.select, Tensor.select)
def _select(r: Recorder, input: Any, dim: int, index: int) -> Tensor:
    return _selected(r, input, axis_of(dim, len(r.shape(input))), index)


@spelled(torch.unbind, Tensor.unbind)
def _unbind(r: Recorder, input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    axis = axis_of(dim, len(r.shape(input)))
    if r.shape(input)[axis] < 0:
        refuse("a loop over the batch", "work on the whole batch at once")
    return tuple(_selected(r, input, axis, i) for i in range(r.shape(input)[axis]))


@spelled(Tensor.__iter__)
def _iterated(r: Recorder, self: Any) -> Any:
    return iter(_unbind(r, self))


@spelled(Tensor.__getitem__)
def _getitem(r: Recorder, self: Any, index: Any) -> Any:
    wanted = list(index) if isinstance(index, tuple) else [index]
    if any(not (item is None or item is Ellipsis or isinstance(item, Tensor) or type(item) in (int, slice)) for item in wanted):
        refuse(
            f"an index of {[type(item).__name__ for item in wanted]}", "index with integers, slices and one tensor of integers"
        )
    used = sum(item is not None and item is not Ellipsis for item in wanted)
    if not any(item is Ellipsis for item in wanted):
        wanted.append(Ellipsis)
    at = next(i for i, item in enumerate(wanted) if item is Ellipsis)
    wanted[at : at + 1] = [slice(None)] * (len(r.shape(self)) - used)
    if any(isinstance(item, Tensor) for item in wanted):
        return _by_index(r, self, wanted)
    x, axis = self, 0
    for item in wanted:
        if item is None:
            x = unsqueeze(r, x, axis)
        elif type(item) is int:
            x = _selected(r, x, axis, item)
            continue
        elif item != slice(None):
            start, stop, step = item.indices(r.shape(x)[axis]) if r.shape(x)[axis] > 0 else (0, -1, 1)
            x = _part(r, x, axis, start, stop, step)
        axis += 1
    return view(r, self, "reshape", {"shape": list(r.shape(self))}) if x is self else x


def _by_index(r: Recorder, x: Any, wanted: list[Any]) -> Tensor:
    """x with one axis indexed by a tensor of integers, the others whole."""
    axes = [axis for axis, item in enumerate(wanted) if isinstance(item, Tensor)]
    whole = all(isinstance(item, Tensor) or (type(item) is slice and item == slice(None)) for item in wanted)
    if len(axes) != 1 or not whole or r.dtype(wanted[axes[0]]) not in ("int64", "int32"):
        refuse("an index with masks, several tensors, or a tensor among numbers", "index one axis with integers")
    index = r.node(wanted[axes[0]])
    node = r.graph.nodes[index]
    if node.op != "constant":
        return r.traced(r.add("take", [("x", r.node(x)), ("index", index)], {"axis": axes[0], "padding": None}))
    with outside_the_trace():  # a negative index counts from the end
        positive = torch.where((counted := wanted[axes[0]]) < 0, counted + r.shape(x)[axes[0]], counted)
    return r.compute("take", [("x", x), ("index", positive)], {"axis": axes[0], "padding": None})


@spelled(torch.cat, torch.concat, torch.concatenate)
def _cat(r: Recorder, tensors: Any, dim: int = 0, *, axis: int | None = None) -> Tensor:
    parts = list(tensors)
    joined = axis_of(dim if axis is None else axis, len(r.shape(parts[0])))
    if len(parts) == 1:
        return r.traced(r.node(parts[0]))
    return r.compute("cat", [(str(i), part) for i, part in enumerate(parts)], {"axis": joined})


@spelled(torch.stack)
def _stack(r: Recorder, tensors: Any, dim: int = 0) -> Any:
    parts = list(tensors)
    at = axis_of(dim, len(r.shape(parts[0])) + 1)
    return _cat(r, [unsqueeze(r, part, at) for part in parts], at)


@spelled(F.pad)
def _pad(r: Recorder, input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    widths = [[pad[i], pad[i + 1]] for i in range(len(pad) - 2, -1, -2)]  # torch begins with the last axis
    attrs = {"mode": mode, "widths": widths, "value": 0.0 if value is None else float(value)}
    if mode != "constant" and len(widths) != len(r.shape(input)) - 2:
        refuse(f"{mode} padding of {len(widths)} axes of {list(r.shape(input))}", "pad every spatial axis")
    return r.compute("pad", [("x", input)], attrs)
