"""The shapes that normalisations give, and when their inputs do not fit."""

import math

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.operations import LARGEST_TENSOR, Labelled, Shape
from jitnas_fn.graphs.shapes import need, positive


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


def batch_norm(attrs: Json, inputs: Labelled) -> Shape:
    """As `channel_norm`, with statistics of the batch."""
    need(attrs["eps"] > 0, f"eps is above 0, not {attrs['eps']}")
    return channel_norm(attrs, inputs)


def frozen_batch_norm(attrs: Json, inputs: Labelled) -> Shape:
    """As `channel_norm`, with statistics that are given."""
    need(attrs["eps"] >= 0, f"eps is at least 0, not {attrs['eps']}")
    return channel_norm(attrs, inputs)


def instance_norm(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) with more than one place in each map."""
    x = dict(inputs)["x"]
    need(len(x) >= 3 and math.prod(x[2:]) > 1, f"instance_norm takes maps of more than one place, not {list(x)}")
    return channel_norm(attrs, inputs)


def trailing_norm(attrs: Json, inputs: Labelled) -> Shape:
    """(..., *shape); weight and bias have that shape."""
    x, trailing = dict(inputs)["x"], tuple(attrs["shape"])
    need(len(trailing) >= 1 and positive(list(trailing)) and x[-len(trailing) :] == trailing, f"{list(x)} does not end in it")
    need(all(shape == trailing for label, shape in inputs if label != "x"), f"weights have shape {list(trailing)}")
    return x


def local_response_norm(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) with at least one spatial axis; each channel is divided by what `size` channels around it hold."""
    x, size = dict(inputs)["x"], attrs["size"]
    need(len(x) >= 3, f"local_response_norm takes maps, not {list(x)}")
    need(size >= 1, f"size is at least 1, not {size}")
    padded = abs(math.prod(x)) // abs(x[1]) * (abs(x[1]) + size)
    need(padded <= LARGEST_TENSOR, f"{list(x)} with {size} more channels has more than {LARGEST_TENSOR:,} elements a sample")
    return x
