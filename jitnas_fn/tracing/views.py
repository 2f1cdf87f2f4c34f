"""How torch spells views, joins and reductions, and what may be asked of a tensor."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.table import spelled
from jitnas_fn.tracing.traced import Batch, Recorder, Traced, name_of, refuse, sizes


def _view(r: Recorder, x: Any, op: str, attrs: dict[str, Any]) -> Traced:
    """An operation whose value may share memory with x."""
    node = r.add(op, [("x", r.node(x))], attrs)
    return r.traced(node, alias=x if isinstance(x, Traced) else None)


def _plain(size: Any) -> int:
    if isinstance(size, Batch):
        return -size.times
    if type(size) is not int:
        refuse(f"a {type(size).__name__} as a size", "use integers")
    return size


def _reshaped(r: Recorder, x: Any, wanted: list[Any]) -> Traced:
    """x in the shape `wanted`: integers, batches, and at most one -1 that stands for what is left."""
    old = math.prod(r.shape(x))
    known = [_plain(size) for size in wanted]
    free = [i for i, size in enumerate(wanted) if type(size) is int and size == -1]
    if len(free) > 1 or any(type(size) is int and size < -1 for size in wanted):
        refuse(f"a reshape to {wanted}", "leave at most one size open")
    if free:
        rest = math.prod(size for i, size in enumerate(known) if i != free[0])
        if rest == 0 or old % rest:
            refuse(f"{list(sizes(r.shape(x)))} does not reshape to {wanted}", "check the number of features")
        known[free[0]] = old // rest
    return _view(r, x, "reshape", {"shape": known})


def _listed(given: tuple[Any, ...]) -> list[Any]:
    return list(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else list(given)


@spelled(Tensor.view, Tensor.reshape)
def _reshape_method(r: Recorder, self: Any, *shape: Any) -> Traced:
    if shape and isinstance(shape[0], torch.dtype):
        refuse("a view as another dtype", "keep one dtype")
    return _reshaped(r, self, _listed(shape))


@spelled(torch.reshape)
def _reshape(r: Recorder, input: Any, shape: Any) -> Traced:
    return _reshaped(r, input, list(shape))


@spelled(Tensor.view_as, Tensor.reshape_as)
def _view_as(r: Recorder, self: Any, other: Any) -> Traced:
    return _reshaped(r, self, list(sizes(r.shape(other))))


def axis_of(dim: Any, rank: int) -> int:
    """`dim` counted from the front."""
    if type(dim) is not int or not -rank <= dim < rank:
        refuse(f"dim={dim!r} of a tensor with {rank} axes", "give an axis that it has")
    return dim % rank


@spelled(torch.flatten, Tensor.flatten)
def _flatten(r: Recorder, input: Any, start_dim: int = 0, end_dim: int = -1) -> Traced:
    shape = r.shape(input)
    start, end = axis_of(start_dim, len(shape)), axis_of(end_dim, len(shape))
    return _view(r, input, "reshape", {"shape": [*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]]})


@spelled(torch.unflatten, Tensor.unflatten)
def _unflatten(r: Recorder, input: Any, dim: int, sizes_: Any = None, *, sizes: Any = None) -> Traced:
    shape, wanted = r.shape(input), list(sizes_ if sizes is None else sizes)
    axis = axis_of(dim, len(shape))
    rest = math.prod(_plain(size) for size in wanted if size != -1)
    filled = [shape[axis] // rest if type(size) is int and size == -1 else _plain(size) for size in wanted]
    return _view(r, input, "reshape", {"shape": [*shape[:axis], *filled, *shape[axis + 1 :]]})


@spelled(torch.squeeze, Tensor.squeeze)
def _squeeze(r: Recorder, input: Any, dim: Any = None) -> Traced:
    shape = r.shape(input)
    if dim is None:
        refuse("squeeze without a dim", "name the axis: with a batch of one it would take the batch away")
    axes = [axis_of(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else [dim])]
    if any(shape[axis] < 0 for axis in axes):
        refuse("squeeze on the batch axis", "name another axis")
    return _view(r, input, "reshape", {"shape": [size for i, size in enumerate(shape) if i not in axes or size != 1]})


@spelled(torch.unsqueeze, Tensor.unsqueeze)
def _unsqueeze(r: Recorder, input: Any, dim: int) -> Traced:
    shape = list(r.shape(input))
    shape.insert(axis_of(dim, len(shape) + 1), 1)
    return _view(r, input, "reshape", {"shape": shape})


def _permuted(r: Recorder, x: Any, axes: list[Any]) -> Traced:
    return _view(r, x, "permute", {"axes": [axis_of(axis, len(r.shape(x))) for axis in axes]})


@spelled(Tensor.permute)
def _permute_method(r: Recorder, self: Any, *dims: Any) -> Traced:
    return _permuted(r, self, _listed(dims))


@spelled(torch.permute)
def _permute(r: Recorder, input: Any, dims: Any) -> Traced:
    return _permuted(r, input, list(dims))


@spelled(torch.transpose, Tensor.transpose, torch.swapaxes, Tensor.swapaxes)
def _transpose(r: Recorder, input: Any, dim0: int, dim1: int) -> Traced:
    rank = len(r.shape(input))
    a, b = axis_of(dim0, rank), axis_of(dim1, rank)
    axes = list(range(rank))
    axes[a], axes[b] = b, a
    return _permuted(r, input, axes)


@spelled(Tensor.mT.__get__)  # type: ignore[attr-defined]
def _matrix_transpose(r: Recorder, self: Any) -> Traced:
    return _transpose(r, self, -2, -1)  # type: ignore[no-any-return]


@spelled(Tensor.expand)
def _expand(r: Recorder, self: Any, *shape: Any) -> Traced:
    old, wanted = r.shape(self), _listed(shape)
    missing = len(wanted) - len(old)
    kept = [
        old[i - missing] if type(size) is int and size == -1 and i >= missing else _plain(size) for i, size in enumerate(wanted)
    ]
    return _view(r, self, "expand", {"shape": kept})


@spelled(Tensor.expand_as)
def _expand_as(r: Recorder, self: Any, other: Any) -> Traced:
    return _view(r, self, "expand", {"shape": list(r.shape(other))})


def _part(r: Recorder, x: Any, axis: int, start: int, stop: int, step: int = 1) -> Traced:
    return _view(r, x, "slice", {"axis": axis, "start": start, "stop": stop, "step": step})


@spelled(torch.narrow, Tensor.narrow)
def _narrow(r: Recorder, input: Any, dim: int, start: int, length: int) -> Traced:
    return _part(r, input, axis_of(dim, len(r.shape(input))), start, start + length)


def _pieces(r: Recorder, x: Any, axis: int, lengths: list[int]) -> tuple[Traced, ...]:
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    if sum(lengths) != r.shape(x)[axis]:
        refuse(f"a split into {lengths} of an axis with {sizes(r.shape(x))[axis]}", "let the lengths add up")
    return tuple(_part(r, x, axis, start, start + length) for start, length in zip(starts, lengths, strict=True))


def _even(size: int, length: int) -> list[int]:
    if size < 0 or length < 1:
        refuse("a split of the batch, or into nothing", "split a feature axis")
    return [min(length, size - start) for start in range(0, size, length)]


@spelled(torch.chunk, Tensor.chunk)
def _chunk(r: Recorder, input: Any, chunks: int, dim: int = 0) -> tuple[Traced, ...]:
    axis = axis_of(dim, len(r.shape(input)))
    size = r.shape(input)[axis]
    return _pieces(r, input, axis, _even(size, -(-size // chunks)))


@spelled(torch.split, Tensor.split)
def _split(r: Recorder, tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Traced, ...]:
    axis = axis_of(dim, len(r.shape(tensor)))
    given = split_size_or_sections
    return _pieces(r, tensor, axis, list(given) if isinstance(given, (tuple, list)) else _even(r.shape(tensor)[axis], given))


def _selected(r: Recorder, x: Any, axis: int, index: int) -> Traced:
    shape = r.shape(x)
    if type(index) is not int or shape[axis] < 0 or not -shape[axis] <= index < shape[axis]:
        refuse(f"index {index!r} into {list(sizes(shape))}", "take one entry of a feature axis")
    one = _part(r, x, axis, index % shape[axis], index % shape[axis] + 1)
    return _view(r, one, "reshape", {"shape": [size for i, size in enumerate(shape) if i != axis]})


@spelled(torch.select, Tensor.select)
def _select(r: Recorder, input: Any, dim: int, index: int) -> Traced:
    return _selected(r, input, axis_of(dim, len(r.shape(input))), index)


@spelled(torch.unbind, Tensor.unbind)
def _unbind(r: Recorder, input: Any, dim: int = 0) -> tuple[Traced, ...]:
    axis = axis_of(dim, len(r.shape(input)))
    return tuple(_selected(r, input, axis, i) for i in range(max(0, r.shape(input)[axis])))


@spelled(Tensor.__getitem__)
def _getitem(r: Recorder, self: Any, index: Any) -> Any:
    wanted = list(index) if isinstance(index, tuple) else [index]
    if any(not (item is None or item is Ellipsis or type(item) in (int, slice)) for item in wanted):
        refuse(f"an index of {[type(item).__name__ for item in wanted]}", "index with integers and slices")
    used = sum(item is not None and item is not Ellipsis for item in wanted)
    if Ellipsis not in wanted:
        wanted.append(Ellipsis)
    at = wanted.index(Ellipsis)
    wanted[at : at + 1] = [slice(None)] * (len(r.shape(self)) - used)
    x, axis = self, 0
    for item in wanted:
        if item is None:
            x = _unsqueeze(r, x, axis)
        elif type(item) is int:
            x = _selected(r, x, axis, item)
            continue
        elif item != slice(None):
            start, stop, step = item.indices(r.shape(x)[axis]) if r.shape(x)[axis] > 0 else (0, -1, 1)
            x = _part(r, x, axis, start, stop, step)
        axis += 1
    return _view(r, self, "reshape", {"shape": list(r.shape(self))}) if x is self else x


@spelled(torch.cat, torch.concat, torch.concatenate)
def _cat(r: Recorder, tensors: Any, dim: int = 0, *, axis: int | None = None) -> Traced:
    parts = list(tensors)
    joined = axis_of(dim if axis is None else axis, len(r.shape(parts[0])))
    if len(parts) == 1:
        return r.traced(r.node(parts[0]))
    return r.compute("cat", [(str(i), part) for i, part in enumerate(parts)], {"axis": joined})


@spelled(torch.stack)
def _stack(r: Recorder, tensors: Any, dim: int = 0) -> Any:
    parts = list(tensors)
    at = axis_of(dim, len(r.shape(parts[0])) + 1)
    return _cat(r, [_unsqueeze(r, part, at) for part in parts], at)


@spelled(F.pad)
def _pad(r: Recorder, input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Traced:
    widths = [[pad[i], pad[i + 1]] for i in range(len(pad) - 2, -1, -2)]  # torch begins with the last axis
    attrs = {"mode": mode, "widths": widths, "value": 0.0 if value is None else float(value)}
    if mode != "constant" and len(widths) != len(r.shape(input)) - 2:
        refuse(f"{mode} padding of {len(widths)} axes of {list(sizes(r.shape(input)))}", "pad every spatial axis")
    return r.compute("pad", [("x", input)], attrs)


def _reduced(op: str) -> Any:
    def handler(r: Recorder, input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Traced:
        shape = r.shape(input)
        if dtype is not None:
            refuse(f"{op} with a dtype", "keep one dtype")
        if dim is None or dim == [] or dim == ():
            if any(size < 0 for size in shape):
                refuse(f"{op} over the batch", "name the axes, without the first")
            dim = list(range(len(shape)))
        axes = sorted(axis_of(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else [dim]))
        if not axes:
            return r.traced(r.node(input))
        value = r.compute(op, [("x", input)], {"axes": axes})
        kept = [1 if i in axes else size for i, size in enumerate(shape)]
        return _view(r, value, "reshape", {"shape": kept}) if keepdim else value

    return handler


spelled(torch.mean, Tensor.mean)(_reduced("mean"))
spelled(torch.sum, Tensor.sum)(_reduced("reduce_sum"))
spelled(torch.amax, Tensor.amax)(_reduced("reduce_max"))


# constants of one value


def _filled(r: Recorder, shape: Any, value: Any, dtype: Any) -> Traced:
    if type(value) not in (int, float):
        refuse(f"a tensor filled with a {type(value).__name__}", "fill it with a number")
    name = name_of(torch.get_default_dtype() if dtype is None else dtype)
    return r.traced(r.add("full", [], {"shape": [_plain(size) for size in shape], "value": float(value), "dtype": name}))


@spelled(torch.full)
def _full(r: Recorder, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Traced:
    return _filled(r, size, fill_value, dtype)


@spelled(torch.zeros)
def _zeros(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Traced:
    return _filled(r, _listed(size), 0.0, dtype)


@spelled(torch.ones)
def _ones(r: Recorder, *size: Any, dtype: Any = None, device: Any = None) -> Traced:
    return _filled(r, _listed(size), 1.0, dtype)


def _like(value: float) -> Any:
    def handler(r: Recorder, input: Any) -> Traced:
        node = r.graph.nodes[r.node(input)]
        return _filled(r, sizes(node.shape), value, getattr(torch, node.dtype))

    return handler


spelled(torch.zeros_like)(_like(0.0))
spelled(torch.ones_like)(_like(1.0))


# what changes nothing, and what may be asked


@spelled(Tensor.clone, torch.clone)
def _clone(r: Recorder, input: Any, *, memory_format: Any = None) -> Traced:
    return r.traced(r.node(input))


@spelled(Tensor.contiguous)
def _contiguous(r: Recorder, self: Any, memory_format: Any = None) -> Traced:
    return r.traced(r.node(self), alias=self if isinstance(self, Traced) else None)


@spelled(Tensor.to, Tensor.float, Tensor.double, Tensor.half, Tensor.bfloat16, Tensor.cpu, Tensor.cuda)
def _moved(
    r: Recorder, self: Any, *given: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False
) -> Any:
    refuse("a cast or a move to a device", "dtype belongs to the input and the device to the recipe: leave both out of forward")


def _asked(name: str, answer: Any) -> None:
    function = getattr(Tensor, name)
    function = function if callable(function) else function.__get__

    @spelled(function)
    def handler(r: Recorder, self: Any, *given: Any) -> Any:
        if isinstance(self, Traced):
            return answer(r, self, *given)
        return function(self, *given)


def _size(r: Recorder, x: Traced, dim: int | None = None) -> Any:
    seen = sizes(r.shape(x))
    return seen if dim is None else seen[axis_of(dim, len(seen))]


def _count(r: Recorder, x: Traced) -> Any:
    return sizes((math.prod(r.shape(x)),))[0]


for _name, _answer in {
    "shape": _size,
    "size": _size,
    "numel": _count,
    "nelement": _count,
    "ndim": lambda r, x: len(r.shape(x)),
    "dim": lambda r, x: len(r.shape(x)),
    "ndimension": lambda r, x: len(r.shape(x)),
    "dtype": lambda r, x: getattr(torch, r.graph.nodes[r.node(x)].dtype),
    "device": lambda r, x: torch.device("cpu"),
    "is_cuda": lambda r, x: False,
    "is_floating_point": lambda r, x: "float" in name_of(getattr(torch, r.graph.nodes[r.node(x)].dtype)),
    "__hash__": lambda r, x: id(x),
}.items():
    _asked(_name, _answer)
