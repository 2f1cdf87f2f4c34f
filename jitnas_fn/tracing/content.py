"""Tensors whose numbers are part of the network: constants, buffers, frozen parameters. Their content is in the document."""

import base64
from typing import Any

import numpy as np
import torch

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.dtypes import DTYPES, FLOATS
from jitnas_fn.tracing.outside import outside_the_trace
from jitnas_fn.tracing.refusal import refuse

MAX_BYTES = 4_000_000  # of one constant: half a document
PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)


def constant_of(tensor: torch.Tensor) -> tuple[str, Json]:
    """The operation and attributes that give the numbers of `tensor`: `full` where all are the same, else `constant`."""
    name = str(tensor.dtype).removeprefix("torch.")
    if (
        type(tensor) not in PLAIN
        or tensor.layout != torch.strided
        or name not in DTYPES
        or tensor.is_meta
        or not tensor.numel()
    ):
        refuse(f"a constant tensor of {type(tensor).__name__} {name} {list(tensor.shape)}", "use plain tensors with numbers")
    size = tensor.numel() * tensor.element_size()
    if size > MAX_BYTES:
        refuse(
            f"a constant tensor of {size:,} bytes", f"at most {MAX_BYTES:,} fit: draw it from a seed, or compute it in forward"
        )
    with outside_the_trace():
        return written(numbers_of(tensor), list(tensor.shape), name)


def written(flat: Any, shape: list[int], dtype: str) -> tuple[str, Json]:
    """The operation and attributes for numbers that are given as an array, shape (N,)."""
    if dtype in FLOATS and flat.dtype != np.uint16 and _all_alike(flat):
        value = float(str(flat[0])) if dtype == "float32" else float(flat[0])  # the shortest decimal that it holds
        return "full", {"shape": shape, "value": value, "dtype": dtype}
    content = base64.b64encode(flat.astype(flat.dtype.newbyteorder("<")).tobytes()).decode("ascii")
    return "constant", {"shape": shape, "dtype": dtype, "content": content}


def _all_alike(flat: Any) -> bool:
    """Whether all are one finite number; 0 and −0 are two."""
    alike = (flat == flat[0]) & (np.signbit(flat) == np.signbit(flat[0]))
    return bool(alike.all()) and bool(np.isfinite(flat[0]))


def numbers_of(tensor: torch.Tensor) -> Any:
    """The numbers in row-major order as an array, shape (N,); bfloat16, which NumPy does not have, as uint16."""
    plain = tensor.detach().cpu().contiguous().reshape(-1)
    return plain.view(torch.uint16).numpy() if plain.dtype == torch.bfloat16 else plain.numpy()


def tensor_of(attrs: Json) -> torch.Tensor:
    """The tensor that a `constant` node describes, on the CPU."""
    dtype = getattr(torch, attrs["dtype"])
    content = bytearray(base64.b64decode(attrs["content"]))
    return torch.frombuffer(content, dtype=dtype).reshape(attrs["shape"])
