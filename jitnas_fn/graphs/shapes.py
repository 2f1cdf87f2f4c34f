"""The shape that each operation gives, and when its inputs do not fit. Spatial formulas as PyTorch documents them."""

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.operations import Labelled, Shape


def need(holds: object, message: str) -> None:
    """Raise `DocumentError` with `message` unless `holds`."""
    if not holds:
        raise DocumentError(message)


def same(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x."""
    return dict(inputs)["x"]


def along_axis(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x, for an operation along one axis that is not the batch."""
    x = dict(inputs)["x"]
    need(0 <= attrs["axis"] < len(x) and x[attrs["axis"]] > 0, f"axis {attrs['axis']} is no feature axis of {list(x)}")
    return x


def broadcast(attrs: Json, inputs: Labelled) -> Shape:
    """The common shape of all inputs, by NumPy's rules; the batch meets the batch or 1."""
    shapes = [shape for _, shape in inputs]
    rank = max(map(len, shapes))
    sizes = []
    for column in zip(*[(1,) * (rank - len(shape)) + shape for shape in shapes], strict=True):
        wide = {size for size in column if size != 1}
        need(len(wide) <= 1, f"shapes {[list(shape) for shape in shapes][:4]} do not broadcast")
        sizes.append(wide.pop() if wide else 1)
    return tuple(sizes)


def _positive(*lists: list[int]) -> bool:
    return all(value >= 1 for values in lists for value in values)


def _spatial(x: Shape, attrs: Json, *names: str) -> int:
    rank = len(attrs[names[0]])
    need(1 <= rank <= 3 and len(x) == rank + 2, f"{list(x)} is no batch of {rank}-dimensional maps")
    need(x[0] < 0 and _positive(list(x[1:])), f"the batch comes first, not as in {list(x)}")
    need(all(len(attrs[name]) == rank for name in names), f"{', '.join(names)} have {rank} entries each")
    return rank


def conv(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) and weight (K, C/groups, *kernel) to (N, K, *S')."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    rank = _spatial(x, attrs, "stride", "padding", "dilation")
    need(len(weight) == rank + 2 and _positive(list(weight)), f"weight {list(weight)} does not fit {list(x)}")
    need(
        _positive(attrs["stride"], attrs["dilation"], [attrs["groups"]]) and min(attrs["padding"]) >= 0, "stride, dilation ≥ 1"
    )
    need(x[1] == weight[1] * attrs["groups"] and weight[0] % attrs["groups"] == 0, f"{x[1]} channels, weight {list(weight)}")
    need(shapes.get("bias", weight[:1]) == weight[:1], f"bias has {weight[0]} entries")
    kernel = weight[2:]
    size = [
        (x[2 + i] + 2 * attrs["padding"][i] - attrs["dilation"][i] * (kernel[i] - 1) - 1) // attrs["stride"][i] + 1
        for i in range(rank)
    ]
    need(_positive(size), f"kernel {list(kernel)} is larger than the padded map {list(x)}")
    return (x[0], weight[0], *size)


def conv_transpose(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) and weight (C, K/groups, *kernel) to (N, K, *S')."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    rank = _spatial(x, attrs, "stride", "padding", "dilation", "output_padding")
    need(len(weight) == rank + 2 and _positive(list(weight)), f"weight {list(weight)} does not fit {list(x)}")
    need(
        _positive(attrs["stride"], attrs["dilation"], [attrs["groups"]]) and min(attrs["padding"]) >= 0, "stride, dilation ≥ 1"
    )
    need(x[1] == weight[0] and weight[0] % attrs["groups"] == 0, f"{x[1]} channels, weight {list(weight)}")
    outputs = weight[1] * attrs["groups"]
    need(shapes.get("bias", (outputs,)) == (outputs,), f"bias has {outputs} entries")
    size = []
    for i in range(rank):
        extra, step = attrs["output_padding"][i], attrs["stride"][i]
        need(0 <= extra < max(step, attrs["dilation"][i]), "output_padding is smaller than stride or dilation")
        reach = attrs["dilation"][i] * (weight[2 + i] - 1)
        size.append((x[2 + i] - 1) * step - 2 * attrs["padding"][i] + reach + extra + 1)
    need(_positive(size), f"padding {attrs['padding']} leaves nothing")
    return (x[0], outputs, *size)


def linear(attrs: Json, inputs: Labelled) -> Shape:
    """(..., F) and weight (G, F) to (..., G)."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    need(len(weight) == 2 and _positive(list(weight)), f"weight {list(weight)} is no matrix")
    need(len(x) >= 1 and x[-1] == weight[1], f"{list(x)} does not end in {weight[1]} features")
    need(shapes.get("bias", weight[:1]) == weight[:1], f"bias has {weight[0]} entries")
    return (*x[:-1], weight[0])


def channel_norm(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, ...); every other input has shape (C,)."""
    shapes = dict(inputs)
    x = shapes["x"]
    need(len(x) >= 2 and x[0] < 0 and x[1] > 0, f"{list(x)} is no batch of channels")
    need(all(shape == (x[1],) for label, shape in inputs if label != "x"), f"weights and statistics have {x[1]} entries")
    need(("mean" in shapes) == ("variance" in shapes), "mean and variance come together")
    groups = attrs.get("groups", 1)
    need(groups >= 1 and x[1] % groups == 0, f"{x[1]} channels do not split into {groups} groups")
    return x


def instance_norm(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) with at least one spatial axis."""
    need(len(dict(inputs)["x"]) >= 3, "instance_norm needs a spatial axis")
    return channel_norm(attrs, inputs)


def trailing_norm(attrs: Json, inputs: Labelled) -> Shape:
    """(..., *shape); weight and bias have that shape."""
    x, trailing = dict(inputs)["x"], tuple(attrs["shape"])
    need(len(trailing) >= 1 and _positive(list(trailing)) and x[-len(trailing) :] == trailing, f"{list(x)} does not end in it")
    need(all(shape == trailing for label, shape in inputs if label != "x"), f"weights have shape {list(trailing)}")
    return x


def pool(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) to (N, C, *S'), for max and average pooling."""
    x = dict(inputs)["x"]
    rank = _spatial(x, attrs, "kernel", "stride", "padding")
    dilation = attrs.get("dilation", [1] * rank)
    need(len(dilation) == rank and _positive(attrs["kernel"], attrs["stride"], dilation), "kernel, stride, dilation ≥ 1")
    need(
        all(0 <= p <= k // 2 for p, k in zip(attrs["padding"], attrs["kernel"], strict=True)),
        "padding is at most half the kernel",
    )
    size = []
    for i in range(rank):
        free = x[2 + i] + 2 * attrs["padding"][i] - dilation[i] * (attrs["kernel"][i] - 1) - 1
        count = (-(-free // attrs["stride"][i]) if attrs["ceil_mode"] else free // attrs["stride"][i]) + 1
        if attrs["ceil_mode"] and (count - 1) * attrs["stride"][i] >= x[2 + i] + attrs["padding"][i]:
            count -= 1  # a window must begin inside the map or its left padding
        size.append(count)
        need(free >= 0 and count >= 1, f"kernel {attrs['kernel']} is larger than the padded map {list(x)}")
    return (*x[:2], *size)


def adaptive(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) to (N, C, *size)."""
    x = dict(inputs)["x"]
    _spatial(x, attrs, "size")
    need(_positive(attrs["size"]), "size is at least 1")
    return (*x[:2], *attrs["size"])


def dropout(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x; whole channels need (N, C, ...)."""
    x = dict(inputs)["x"]
    need(0 <= attrs["p"] <= 1, f"p is a probability, not {attrs['p']}")
    need(attrs["kind"] in ("element", "alpha") or len(x) >= 2, f"{list(x)} has no channels")
    return x


def prelu(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, ...) and weight (C,) or (1,)."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    need(len(x) >= 2 and weight in ((1,), (x[1],)), f"weight {list(weight)} does not fit {list(x)}")
    return x


def glu(attrs: Json, inputs: Labelled) -> Shape:
    """Half of x along the axis."""
    x = along_axis(attrs, inputs)
    need(x[attrs["axis"]] % 2 == 0, f"axis {attrs['axis']} of {list(x)} is odd")
    return tuple(size // 2 if i == attrs["axis"] else size for i, size in enumerate(x))
