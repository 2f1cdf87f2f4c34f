"""The shapes that views, joins, reductions and constants give."""

import math

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.operations import Labelled, Shape
from jitnas_fn.graphs.shapes import along_axis, broadcast, need


def reshape(attrs: Json, inputs: Labelled) -> Shape:
    """`shape`, of as many elements."""
    x, shape = dict(inputs)["x"], tuple(attrs["shape"])
    need(math.prod(x) == math.prod(shape), f"{list(x)} does not reshape to {list(shape)}")
    return shape


def permute(attrs: Json, inputs: Labelled) -> Shape:
    """x with its axes in another order."""
    x, axes = dict(inputs)["x"], attrs["axes"]
    need(sorted(axes) == list(range(len(x))), f"{axes} is no order of the axes of {list(x)}")
    return tuple(x[axis] for axis in axes)


def expand(attrs: Json, inputs: Labelled) -> Shape:
    """`shape`, to which x broadcasts."""
    x, shape = dict(inputs)["x"], tuple(attrs["shape"])
    need(
        len(x) <= len(shape) and broadcast({}, [("x", x), ("y", shape)]) == shape, f"{list(x)} does not expand to {list(shape)}"
    )
    return shape


def slice_(attrs: Json, inputs: Labelled) -> Shape:
    """x[start:stop:step] along one axis, 0 ≤ start < stop ≤ size."""
    x = along_axis(attrs, inputs)
    start, stop, step = attrs["start"], attrs["stop"], attrs["step"]
    need(
        0 <= start < stop <= x[attrs["axis"]] and step >= 1,
        f"{start}:{stop}:{step} is no part of axis {attrs['axis']} of {list(x)}",
    )
    return tuple(-(-(stop - start) // step) if i == attrs["axis"] else size for i, size in enumerate(x))


def cat(attrs: Json, inputs: Labelled) -> Shape:
    """All inputs one after the other along the axis; the other axes are equal."""
    first, axis = inputs[0][1], attrs["axis"]
    need(0 <= axis < len(first) and first[axis] > 0, f"axis {axis} is no feature axis of {list(first)}")
    for _, shape in inputs:
        fits = len(shape) == len(first) and all(a == b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis)
        need(fits and shape[axis] > 0, f"{list(shape)} and {list(first)} do not join along axis {axis}")
    return tuple(sum(shape[axis] for _, shape in inputs) if i == axis else size for i, size in enumerate(first))


def pad(attrs: Json, inputs: Labelled) -> Shape:
    """x with (before, after) added on its last axes; a negative width crops."""
    x, widths = dict(inputs)["x"], attrs["widths"]
    need(len(widths) <= len(x), f"{len(widths)} pairs of widths for {list(x)}")
    kept = len(x) - len(widths)
    need(all(size > 0 for size in x[kept:]), "the batch is not padded")
    for size, (before, after) in zip(x[kept:], widths, strict=True):
        low, high = (1 - size, 2**31) if attrs["mode"] == "constant" else (0, size - (attrs["mode"] == "reflect"))
        if attrs["mode"] == "replicate":
            high = 2**31
        need(low <= before <= high and low <= after <= high, f"widths {widths} do not fit {list(x)}")
    whole = 1 <= len(widths) <= 3 and len(widths) == len(x) - 2
    need(attrs["mode"] == "constant" or whole, f"{attrs['mode']} pads all 1 to 3 spatial axes, not {len(widths)} of {list(x)}")
    need(attrs["mode"] == "constant" or attrs["value"] == 0.0, f"{attrs['mode']} has no value")
    return (*x[:kept], *(size + before + after for size, (before, after) in zip(x[kept:], widths, strict=True)))


def reduce(attrs: Json, inputs: Labelled) -> Shape:
    """x without the axes that were reduced, none of them the batch."""
    x, axes = dict(inputs)["x"], attrs["axes"]
    need(bool(axes) and axes == sorted(set(axes)) and axes[0] >= 0 and axes[-1] < len(x), f"{axes} are no axes of {list(x)}")
    need(all(x[axis] > 0 for axis in axes), "the batch is not reduced")
    return tuple(size for i, size in enumerate(x) if i not in axes)


def full(attrs: Json, inputs: Labelled) -> Shape:
    """`shape`."""
    return tuple(attrs["shape"])


def flip(attrs: Json, inputs: Labelled) -> Shape:
    """x with the order on some axes turned round, none of them the batch."""
    x = dict(inputs)["x"]
    reduce(attrs, inputs)
    return x


def variance(attrs: Json, inputs: Labelled) -> Shape:
    """x without the axes over which the variance is taken."""
    x = dict(inputs)["x"]
    shape = reduce(attrs, inputs)
    need(0 <= attrs["correction"] < math.prod(x[axis] for axis in attrs["axes"]), "correction is below the number of entries")
    return shape


def largest(attrs: Json, inputs: Labelled) -> Shape:
    """x without one axis."""
    axis = attrs["axis"]
    return tuple(size for i, size in enumerate(along_axis(attrs, inputs)) if i != axis)


def norm(attrs: Json, inputs: Labelled) -> Shape:
    """x without the axes over which the norm is taken."""
    need(attrs["p"] > 0, f"the exponent of a norm is above 0, not {attrs['p']}")
    return reduce(attrs, inputs)


def noise(attrs: Json, inputs: Labelled) -> Shape:
    """`shape`."""
    need((attrs["p"] is None) == (attrs["kind"] != "coins"), "coins have a probability p, other draws have none")
    need(attrs["p"] is None or 0 <= attrs["p"] <= 1, f"p is a probability, not {attrs['p']}")
    return tuple(attrs["shape"])


def drop_path(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x, the batch first."""
    x = dict(inputs)["x"]
    need(0 <= attrs["p"] < 1, f"p is at least 0 and below 1, not {attrs['p']}")
    need(len(x) >= 1 and x[0] == -1, f"{list(x)} is no batch")
    return x


def alternatives(attrs: Json, inputs: Labelled) -> Shape:
    """The shape that both have."""
    shapes = dict(inputs)
    need(shapes["train"] == shapes["eval"], f"{list(shapes['train'])} in training, {list(shapes['eval'])} in evaluation")
    return shapes["train"]


def compare(attrs: Json, inputs: Labelled) -> Shape:
    """The common shape of x and other; where there is no other, x is compared with `value`."""
    need((attrs["value"] is None) == ("other" in dict(inputs)), "compare with another tensor or with a value")
    return broadcast(attrs, inputs)
