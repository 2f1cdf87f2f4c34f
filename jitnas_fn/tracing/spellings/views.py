"""How torch spells views: another shape, another order of the axes."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jitnas_fn.tracing.batch import batch_of, shown, sizes
from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import numbers, spelled
from jitnas_fn.tracing.traced import Recorder


def view(r: Recorder, x: Any, op: str, attrs: dict[str, Any]) -> Tensor:
    """An operation whose value may share memory with x."""
    node = r.add(op, [("x", r.node(x))], attrs)
    return r.traced(node, alias=x)


def plain(size: Any) -> int:
    """A size as a graph writes it."""
    batch = batch_of(size)
    if batch is not None:
        return -batch.times
    if isinstance(size, np.integer):
        return int(size)
    if type(size) is not int:
        refuse(f"a {type(size).__name__} as a size", "use integers")
    return size


def reshaped(r: Recorder, x: Any, wanted: list[Any]) -> Tensor:
    """x in the shape `wanted`: integers, batches, and at most one -1 that stands for what is left."""
    old = math.prod(r.shape(x))
    known = [plain(size) for size in wanted]
    free = [i for i, size in enumerate(wanted) if type(size) is int and size == -1]
    if len(free) > 1 or any(type(size) is int and size < -1 for size in wanted):
        refuse(f"a reshape to {shown(wanted)}", "leave at most one size open")
    if free:
        rest = math.prod(size for i, size in enumerate(known) if i != free[0])
        if rest == 0 or old % rest:
            refuse(f"{list(r.shape(x))} does not reshape to {shown(wanted)}", "check the number of features")
        known[free[0]] = old // rest
    return view(r, x, "reshape", {"shape": known})


def listed(given: tuple[Any, ...]) -> list[Any]:
    """Sizes or axes that torch takes one by one or as one sequence."""
    return list(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else list(given)


@spelled(Tensor.view, Tensor.reshape)
def _reshape_method(r: Recorder, self: Any, *shape: Any) -> Tensor:
    if shape and isinstance(shape[0], torch.dtype):
        refuse("a view as another dtype", "keep one dtype")
    return reshaped(r, self, listed(shape))


@spelled(torch.reshape)
def _reshape(r: Recorder, input: Any, shape: Any) -> Tensor:
    return reshaped(r, input, list(shape))


@spelled(Tensor.view_as, Tensor.reshape_as)
def _view_as(r: Recorder, self: Any, other: Any) -> Tensor:
    return reshaped(r, self, list(sizes(r.shape(other))))


def axis_of(dim: Any, rank: int) -> int:
    """`dim` counted from the front."""
    if type(dim) is not int or not -rank <= dim < rank:
        refuse(f"dim={dim!r} of a tensor with {rank} axes", "give an axis that it has")
    return dim % rank


@spelled(torch.flatten, Tensor.flatten)
def _flatten(r: Recorder, input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    shape = r.shape(input)
    start, end = axis_of(start_dim, len(shape)), axis_of(end_dim, len(shape))
    return view(r, input, "reshape", {"shape": [*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]]})


@spelled(torch.unflatten, Tensor.unflatten)
def _unflatten(r: Recorder, input: Any, dim: int, sizes_: Any = None, *, sizes: Any = None) -> Tensor:
    shape, wanted = r.shape(input), list(sizes_ if sizes is None else sizes)
    axis = axis_of(dim, len(shape))
    rest = math.prod(plain(size) for size in wanted if size != -1)
    filled = [shape[axis] // rest if type(size) is int and size == -1 else plain(size) for size in wanted]
    return view(r, input, "reshape", {"shape": [*shape[:axis], *filled, *shape[axis + 1 :]]})


@spelled(torch.squeeze, Tensor.squeeze)
def _squeeze(r: Recorder, input: Any, dim: Any = None) -> Tensor:
    shape = r.shape(input)
    if dim is None:
        refuse("squeeze without a dim", "name the axis: with a batch of one it would take the batch away")
    axes = [axis_of(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else [dim])]
    if any(shape[axis] < 0 for axis in axes):
        refuse("squeeze on the batch axis", "name another axis")
    return view(r, input, "reshape", {"shape": [size for i, size in enumerate(shape) if i not in axes or size != 1]})


@spelled(torch.unsqueeze, Tensor.unsqueeze)
def unsqueeze(r: Recorder, input: Any, dim: int) -> Tensor:
    """x with an axis of one more."""
    shape = list(r.shape(input))
    shape.insert(axis_of(dim, len(shape) + 1), 1)
    return view(r, input, "reshape", {"shape": shape})


def _permuted(r: Recorder, x: Any, axes: list[Any]) -> Tensor:
    return view(r, x, "permute", {"axes": [axis_of(axis, len(r.shape(x))) for axis in axes]})


@spelled(Tensor.permute)
def _permute_method(r: Recorder, self: Any, *dims: Any) -> Tensor:
    return _permuted(r, self, listed(dims))


@spelled(torch.permute)
def _permute(r: Recorder, input: Any, dims: Any) -> Tensor:
    return _permuted(r, input, list(dims))


@spelled(torch.transpose, Tensor.transpose, torch.swapaxes, Tensor.swapaxes)
def _transpose(r: Recorder, input: Any, dim0: int, dim1: int) -> Tensor:
    rank = len(r.shape(input))
    a, b = axis_of(dim0, rank), axis_of(dim1, rank)
    axes = list(range(rank))
    axes[a], axes[b] = b, a
    return _permuted(r, input, axes)


@spelled(Tensor.mT.__get__)  # type: ignore[attr-defined]
def _matrix_transpose(r: Recorder, self: Any) -> Tensor:
    return _transpose(r, self, -2, -1)  # type: ignore[no-any-return]


@spelled(Tensor.expand)
def _expand(r: Recorder, self: Any, *shape: Any) -> Tensor:
    old, wanted = r.shape(self), listed(shape)
    missing = len(wanted) - len(old)
    kept = [
        old[i - missing] if type(size) is int and size == -1 and i >= missing else plain(size) for i, size in enumerate(wanted)
    ]
    return view(r, self, "expand", {"shape": kept})


@spelled(Tensor.expand_as)
def _expand_as(r: Recorder, self: Any, other: Any) -> Tensor:
    return view(r, self, "expand", {"shape": list(r.shape(other))})


@spelled(torch.broadcast_to, Tensor.broadcast_to)
def _broadcast_to(r: Recorder, input: Any, size: Any) -> Any:
    return _expand(r, input, *size)


@spelled(Tensor.T.__get__, Tensor.mH.__get__, torch.t, Tensor.t)  # type: ignore[attr-defined]
def _turned(r: Recorder, input: Any) -> Tensor:
    if len(r.shape(input)) != 2:
        refuse("T or t() of a tensor that is no matrix", "use transpose(-2, -1)")
    return _transpose(r, input, 0, 1)  # type: ignore[no-any-return]


@spelled(torch.movedim, Tensor.movedim, torch.moveaxis, Tensor.moveaxis)
def _movedim(r: Recorder, input: Any, source: Any, destination: Any) -> Tensor:
    rank = len(r.shape(input))
    taken = [axis_of(axis, rank) for axis in (source if isinstance(source, (tuple, list)) else [source])]
    put = [axis_of(axis, rank) for axis in (destination if isinstance(destination, (tuple, list)) else [destination])]
    rest = iter([axis for axis in range(rank) if axis not in taken])
    return _permuted(r, input, [taken[put.index(axis)] if axis in put else next(rest) for axis in range(rank)])


@spelled(torch.flip, Tensor.flip)
def _flip(r: Recorder, input: Any, *dims: Any) -> Tensor:
    axes = sorted(axis_of(axis, len(r.shape(input))) for axis in listed(dims))
    return r.compute("flip", [("x", input)], {"axes": axes})


@spelled(torch.roll, Tensor.roll)
def _roll(r: Recorder, input: Any, shifts: Any, dims: Any = None) -> Any:
    if dims is None:
        refuse("roll without dims", "name the axes")
    x, steps, axes = input, numbers(shifts, 1), numbers(dims, 1)
    for step, dim in zip(steps, axes, strict=True):
        axis = axis_of(dim, len(r.shape(x)))
        size = r.shape(x)[axis]
        if size < 0:
            refuse("roll over the batch", "roll a feature axis")
        cut = -step % size
        if cut:
            whole = [("0", (cut, size)), ("1", (0, cut))]
            parts = [(label, view(r, x, "slice", {"axis": axis, "start": a, "stop": b, "step": 1})) for label, (a, b) in whole]
            x = r.compute("cat", parts, {"axis": axis})
    return x if x is not input else r.traced(r.node(input))


@spelled(Tensor.repeat)
def _repeat(r: Recorder, self: Any, *sizes_: Any) -> Tensor:
    times = [plain(size) for size in listed(sizes_)]
    shape = [1] * (len(times) - len(r.shape(self))) + list(r.shape(self))
    return _tiled(r, self, shape, times)


@spelled(torch.tile, Tensor.tile)
def _tile(r: Recorder, input: Any, *dims: Any) -> Tensor:
    times, shape = [plain(size) for size in listed(dims)], list(r.shape(input))
    times = [1] * (len(shape) - len(times)) + times
    return _tiled(r, input, [1] * (len(times) - len(shape)) + shape, times)


def _tiled(r: Recorder, x: Any, shape: list[int], times: list[int]) -> Tensor:
    """x, seen in `shape`, repeated along each axis."""
    split, wide = [], []  # type: tuple[list[int], list[int]]
    for size, count in zip(shape, times, strict=True):
        split += [size] if count == 1 or size == 1 else [1, size]
        wide += [size] if count == 1 else ([count] if size == 1 else [count, size])
    spread = view(r, view(r, x, "reshape", {"shape": split}), "expand", {"shape": wide})
    whole = [size * abs(count) if count > 0 else -size * abs(count) for size, count in zip(shape, times, strict=True)]
    copied = view(r, spread, "reshape", {"shape": whole})
    return r.traced(r.node(copied))


@spelled(torch.repeat_interleave, Tensor.repeat_interleave)
def _repeat_interleave(r: Recorder, input: Any, repeats: Any, dim: Any = None, *, output_size: Any = None) -> Tensor:
    if type(repeats) is not int or dim is None:
        refuse("repeat_interleave with a tensor or without a dim", "give one number and the axis")
    shape = list(r.shape(input))
    axis = axis_of(dim, len(shape))
    inner = view(r, input, "reshape", {"shape": [*shape[: axis + 1], 1, *shape[axis + 1 :]]})
    wide = view(r, inner, "expand", {"shape": [*shape[: axis + 1], repeats, *shape[axis + 1 :]]})
    return view(r, wide, "reshape", {"shape": [*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]]})
