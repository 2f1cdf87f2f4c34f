"""What a model takes: the shape and dtype of each argument of forward, checked."""

import math
import operator
from typing import Any

import torch

from jitnas_fn.core.errors import NotAModel
from jitnas_fn.graphs.dtypes import DTYPES
from jitnas_fn.graphs.graph import MAX_ELEMENTS
from jitnas_fn.graphs.operations import Shape

MAX_AXES = 7  # and the batch
MAX_INPUTS = 64


def checked_inputs(input_shape: Any, dtype: Any) -> list[tuple[Shape, str]]:
    """(shape of one sample, dtype) of each input.

    Parameters
    ----------
    input_shape
        One shape, or a tuple or list of shapes for several inputs.
    dtype
        A dtype or its name, or as many of them as there are inputs.

    Raises
    ------
    NotAModel
        If a shape or dtype is none, or their numbers differ.
    """
    shapes = list(input_shape) if _several(input_shape) else [input_shape]
    dtypes = list(dtype) if isinstance(dtype, (tuple, list)) else [dtype] * len(shapes)
    if len(dtypes) != len(shapes) or not 1 <= len(shapes) <= MAX_INPUTS:
        raise NotAModel(f"one dtype for each input, or one for all: {len(shapes)} shapes and {len(dtypes)} dtypes were given")
    return [(_checked_shape(shape), _checked_dtype(kind)) for shape, kind in zip(shapes, dtypes, strict=True)]


def _several(shape: Any) -> bool:
    return isinstance(shape, (tuple, list)) and bool(shape) and all(isinstance(one, (tuple, list)) for one in shape)


def _checked_dtype(dtype: Any) -> str:
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype
    if not isinstance(name, str) or name not in DTYPES:
        raise NotAModel(f"dtype is one of {', '.join(DTYPES)}, not {str(dtype)[:40]!r}")
    return name


def _checked_shape(shape: Any) -> Shape:
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise NotAModel(f"input_shape is one sample's sizes, without the batch, such as (3, 32, 32), not {str(shape)[:60]!r}")
    if len(sizes) > MAX_AXES or math.prod(sizes) > MAX_ELEMENTS:
        raise NotAModel(f"input_shape has at most {MAX_AXES} axes and {MAX_ELEMENTS:,} elements, not {str(shape)[:60]}")
    return sizes
