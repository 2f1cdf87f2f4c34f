"""How torch spells matrix products, and look-ups by index."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.arithmetic import combined, nodes_of, number
from jitnas_fn.tracing.spellings.table import TABLE, spelled
from jitnas_fn.tracing.spellings.views import axis_of, unsqueeze, view
from jitnas_fn.tracing.traced import Recorder


def matmul(r: Recorder, a: Any, b: Any) -> Tensor:
    """The product of the last two axes, the others broadcast; a vector is a row or a column, as torch takes it."""
    row, column = len(r.shape(a)) == 1, len(r.shape(b)) == 1
    left = unsqueeze(r, a, 0) if row else a
    right = unsqueeze(r, b, 1) if column else b
    nodes = nodes_of(r, left, right)
    value = r.traced(r.add("matmul", [("a", nodes[0]), ("b", nodes[1])]))
    if not row and not column:
        return value
    shape = list(r.shape(value))
    kept = shape[: len(shape) - 1 - row] + ([] if column else shape[-1:])
    return view(r, value, "reshape", {"shape": kept})


@spelled(torch.matmul, Tensor.matmul, Tensor.__matmul__)
def _matmul(r: Recorder, input: Any, other: Any) -> Tensor:
    return matmul(r, input, other)


@spelled(Tensor.__rmatmul__)
def _rmatmul(r: Recorder, self: Any, other: Any) -> Tensor:
    return matmul(r, other, self)


@spelled(torch.bmm, Tensor.bmm, torch.mm, Tensor.mm)
def _mm(r: Recorder, input: Any, mat2: Any) -> Tensor:
    return matmul(r, input, mat2)


@spelled(torch.addmm, torch.baddbmm)
def _addmm(r: Recorder, input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return combined(r, [(number(beta), input), (number(alpha), matmul(r, mat1, mat2))])


@spelled(torch.einsum)
def _einsum(r: Recorder, equation: Any, *operands: Any) -> Tensor:
    """A product of two tensors in which no letter repeats: permutes, a matrix product, a permute."""
    given = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else list(operands)
    text = equation.replace(" ", "") if isinstance(equation, str) else ""
    into, arrow, out = text.partition("->")
    parts = into.split(",")
    alike = all(len(set(letters)) == len(letters) and letters.isalpha() for letters in [*parts, out] if letters)
    if len(given) != 2 or len(parts) != 2 or not arrow or not alike or not set(out) <= set(into):
        refuse(f"einsum({str(equation)[:40]!r})", "use two tensors, letters that do not repeat, and an arrow; or torch.matmul")
    (one, two), (a, b) = parts, given
    a, one = _summed_out(r, a, one, set(two) | set(out))
    b, two = _summed_out(r, b, two, set(one) | set(out))
    both = [x for x in one if x in two and x in out]
    inner = [x for x in one if x in two and x not in out]
    left, right = [x for x in one if x not in two], [x for x in two if x not in one]
    if not inner:
        refuse(f"einsum({str(equation)[:40]!r}) without a sum", "multiply with unsqueeze")
    sizes = dict(zip(one, r.shape(a), strict=True)) | dict(zip(two, r.shape(b), strict=True))
    first = _grouped(r, a, one, [both, left, inner], sizes)
    second = _grouped(r, b, two, [both, inner, right], sizes)
    value = view(r, matmul(r, first, second), "reshape", {"shape": [sizes[x] for x in both + left + right]})
    order = both + left + right
    return view(r, value, "permute", {"axes": [order.index(x) for x in out]})


def _summed_out(r: Recorder, x: Any, letters: str, needed: set[str]) -> tuple[Any, str]:
    """x without the axes that nothing else has."""
    axes = [i for i, letter in enumerate(letters) if letter not in needed]
    if not axes:
        return x, letters
    return r.compute("reduce_sum", [("x", x)], {"axes": axes}), "".join(c for c in letters if c in needed)


def _grouped(r: Recorder, x: Any, letters: str, groups: list[list[str]], sizes: dict[str, int]) -> Tensor:
    """x with its axes in the order of the groups, each but the first made one."""
    order = [letter for group in groups for letter in group]
    turned = view(r, x, "permute", {"axes": [letters.index(letter) for letter in order]})
    shape = [sizes[letter] for letter in groups[0]]
    for group in groups[1:]:
        product = 1
        for letter in group:
            product *= sizes[letter]
        shape.append(product)
    return view(r, turned, "reshape", {"shape": shape})


# look-ups


def taken(r: Recorder, x: Any, index: Any, axis: int, padding: int | None = None) -> Tensor:
    """The entries of one axis that `index` names."""
    return r.compute("take", [("x", x), ("index", index)], {"axis": axis, "padding": padding})


@spelled(F.embedding)
def _embedding(
    r: Recorder,
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    if max_norm is not None or scale_grad_by_freq or sparse:
        refuse("an embedding with max_norm, scale_grad_by_freq or sparse", "use it without")
    rows = r.shape(weight)[0]
    return taken(r, weight, input, 0, None if padding_idx is None else padding_idx % rows)


@spelled(torch.embedding)
def _torch_embedding(
    r: Recorder, weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    padding = None if padding_idx < 0 else padding_idx
    return TABLE[F.embedding](r, indices, weight, padding, None, 2.0, scale_grad_by_freq, sparse)


@spelled(torch.index_select, Tensor.index_select)
def _index_select(r: Recorder, input: Any, dim: int, index: Any) -> Tensor:
    return taken(r, input, index, axis_of(dim, len(r.shape(input))))
