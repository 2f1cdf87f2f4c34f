"""The shape that each operation gives, and when its inputs do not fit. Spatial formulas as PyTorch documents them."""

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.operations import Labelled, Shape

LARGEST_STRIDE = 4096  # of a convolution: from 2¹⁵ on oneDNN crashes in its gradient
LARGEST_STRIDE_BACK = 1024  # of a transposed one: from 2¹¹ on oneDNN crashes where there are many channels


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


def positive(*lists: list[int]) -> bool:
    """Whether every value in the lists is at least 1."""
    return all(value >= 1 for values in lists for value in values)


def _spatial(x: Shape, attrs: Json, *names: str) -> int:
    rank = len(attrs[names[0]])
    need(1 <= rank <= 3 and len(x) == rank + 2, f"{list(x)} is no batch of {rank}-dimensional maps")
    need(x[0] < 0 and positive(list(x[1:])), f"the batch comes first, not as in {list(x)}")
    need(all(len(attrs[name]) == rank for name in names), f"{', '.join(names)} have {rank} entries each")
    return rank


def conv(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) and weight (K, C/groups, *kernel) to (N, K, *S')."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    rank = _spatial(x, attrs, "stride", "padding", "dilation")
    need(len(weight) == rank + 2 and positive(list(weight)), f"weight {list(weight)} does not fit {list(x)}")
    need(positive(attrs["stride"], attrs["dilation"], [attrs["groups"]]) and min(attrs["padding"]) >= 0, "stride, dilation ≥ 1")
    need(max(attrs["stride"]) <= LARGEST_STRIDE, f"a stride is at most {LARGEST_STRIDE}, not as in {attrs['stride']}")
    need(x[1] == weight[1] * attrs["groups"] and weight[0] % attrs["groups"] == 0, f"{x[1]} channels, weight {list(weight)}")
    need(shapes.get("bias", weight[:1]) == weight[:1], f"bias has {weight[0]} entries")
    kernel = weight[2:]
    size = [
        (x[2 + i] + 2 * attrs["padding"][i] - attrs["dilation"][i] * (kernel[i] - 1) - 1) // attrs["stride"][i] + 1
        for i in range(rank)
    ]
    need(positive(size), f"kernel {list(kernel)} is larger than the padded map {list(x)}")
    return (x[0], weight[0], *size)


def conv_transpose(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) and weight (C, K/groups, *kernel) to (N, K, *S')."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    rank = _spatial(x, attrs, "stride", "padding", "dilation", "output_padding")
    need(len(weight) == rank + 2 and positive(list(weight)), f"weight {list(weight)} does not fit {list(x)}")
    need(positive(attrs["stride"], attrs["dilation"], [attrs["groups"]]) and min(attrs["padding"]) >= 0, "stride, dilation ≥ 1")
    strides = attrs["stride"]
    need(max(strides) <= LARGEST_STRIDE_BACK, f"a transposed stride is at most {LARGEST_STRIDE_BACK}, not as in {strides}")
    need(x[1] == weight[0] and weight[0] % attrs["groups"] == 0, f"{x[1]} channels, weight {list(weight)}")
    outputs = weight[1] * attrs["groups"]
    need(shapes.get("bias", (outputs,)) == (outputs,), f"bias has {outputs} entries")
    size = []
    for i in range(rank):
        extra, step = attrs["output_padding"][i], attrs["stride"][i]
        need(0 <= extra < max(step, attrs["dilation"][i]), "output_padding is smaller than stride or dilation")
        reach = attrs["dilation"][i] * (weight[2 + i] - 1)
        size.append((x[2 + i] - 1) * step - 2 * attrs["padding"][i] + reach + extra + 1)
    need(positive(size), f"padding {attrs['padding']} leaves nothing")
    return (x[0], outputs, *size)


def linear(attrs: Json, inputs: Labelled) -> Shape:
    """(..., F) and weight (G, F) to (..., G)."""
    shapes = dict(inputs)
    x, weight = shapes["x"], shapes["weight"]
    need(len(weight) == 2 and positive(list(weight)), f"weight {list(weight)} is no matrix")
    need(len(x) >= 1 and x[-1] == weight[1], f"{list(x)} does not end in {weight[1]} features")
    need(shapes.get("bias", weight[:1]) == weight[:1], f"bias has {weight[0]} entries")
    return (*x[:-1], weight[0])


def pool(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) to (N, C, *S'), for max and average pooling."""
    x = dict(inputs)["x"]
    rank = _spatial(x, attrs, "kernel", "stride", "padding")
    dilation = attrs.get("dilation", [1] * rank)
    need(len(dilation) == rank and positive(attrs["kernel"], attrs["stride"], dilation), "kernel, stride, dilation ≥ 1")
    need(
        all(0 <= p <= k // 2 for p, k in zip(attrs["padding"], attrs["kernel"], strict=True)),
        "padding is at most half the kernel",
    )
    met = zip(x[2:], attrs["padding"], dilation, strict=True)
    need(all(p == 0 or d <= size for size, p, d in met), f"dilation {dilation} steps from padding over the map {list(x)}")
    size = []
    for i in range(rank):
        free = x[2 + i] + 2 * attrs["padding"][i] - dilation[i] * (attrs["kernel"][i] - 1) - 1
        count = (-(-free // attrs["stride"][i]) if attrs["ceil_mode"] else free // attrs["stride"][i]) + 1
        if attrs["ceil_mode"] and (count - 1) * attrs["stride"][i] >= x[2 + i] + attrs["padding"][i]:
            count -= 1  # a window must begin inside the map or its left padding
        size.append(count)
        need(free >= 0 and count >= 1, f"kernel {attrs['kernel']} is larger than the padded map {list(x)}")
    return (*x[:2], *size)


def avg_pool(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) to (N, C, *S')."""
    shape, kernel, divisor = pool(attrs, inputs), attrs["kernel"], attrs["divisor"]
    x = dict(inputs)["x"]
    need(divisor is None or (divisor != 0 and len(kernel) > 1), f"a divisor is not 0, and null along one axis, not {divisor}")
    fits = len(kernel) < 3 or all(size >= width for size, width in zip(x[2:], kernel, strict=True))
    need(fits, f"in three dimensions the map {list(x)} is no smaller than the kernel {kernel}, without its padding")
    return shape


def adaptive(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) to (N, C, *size)."""
    x = dict(inputs)["x"]
    _spatial(x, attrs, "size")
    need(positive(attrs["size"]), "size is at least 1")
    return (*x[:2], *attrs["size"])


def dropout(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x; whole channels need (N, C, *S) or, in alpha dropout, (N, C, ...)."""
    x = dict(inputs)["x"]
    need(0 <= attrs["p"] <= 1, f"p is a probability, not {attrs['p']}")
    ranks = {"channel": range(3, 6), "feature_alpha": range(2, 9)}.get(attrs["kind"], range(9))
    need(len(x) in ranks, f"{attrs['kind']} dropout takes {ranks[0]} to {ranks[-1]} axes, not {list(x)}")
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


def clamp(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x, for at least one bound."""
    need(attrs["low"] is not None or attrs["high"] is not None, "clamp has a low or a high bound, not two nulls")
    return same(attrs, inputs)


def hardtanh(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x, for a range that is not empty."""
    low, high = attrs["low"], attrs["high"]
    need(low <= high, f"low is at most high, not {low} and {high}")
    return same(attrs, inputs)


def celu(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x, for an alpha to divide by."""
    need(attrs["alpha"] != 0, "alpha of celu is not 0")
    return same(attrs, inputs)


def softshrink(attrs: Json, inputs: Labelled) -> Shape:
    """The shape of x, for a threshold that is not negative."""
    need(attrs["lambd"] >= 0, f"lambd is at least 0, not {attrs['lambd']}")
    return same(attrs, inputs)
