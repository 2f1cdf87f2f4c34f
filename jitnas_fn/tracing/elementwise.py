"""How torch spells activations and arithmetic."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.table import TABLE, spelled
from jitnas_fn.tracing.traced import Recorder, name_of

REQUIRED = object()

# operation, its attributes as (argument of torch, default, attribute), spellings. Torch's arguments come in this order.
ACTIVATIONS: list[tuple[str, list[tuple[str, Any, str]], list[Any]]] = [
    ("relu", [], [F.relu, torch.relu, Tensor.relu]),
    ("sigmoid", [], [F.sigmoid, torch.sigmoid, Tensor.sigmoid]),
    ("tanh", [], [F.tanh, torch.tanh, Tensor.tanh]),
    ("silu", [], [F.silu]),
    ("mish", [], [F.mish]),
    ("selu", [], [F.selu, torch.selu]),
    ("hardswish", [], [F.hardswish]),
    ("hardsigmoid", [], [F.hardsigmoid]),
    ("softsign", [], [F.softsign]),
    ("tanhshrink", [], [F.tanhshrink]),
    ("log_sigmoid", [], [F.logsigmoid]),
    ("gelu", [("approximate", "none", "approximate")], [F.gelu]),
    ("leaky_relu", [("negative_slope", 0.01, "negative_slope")], [F.leaky_relu]),
    ("elu", [("alpha", 1.0, "alpha")], [F.elu]),
    ("celu", [("alpha", 1.0, "alpha")], [F.celu, torch.celu]),
    ("softplus", [("beta", 1.0, "beta"), ("threshold", 20.0, "threshold")], [F.softplus]),
    ("hardtanh", [("min_val", -1.0, "low"), ("max_val", 1.0, "high")], [F.hardtanh]),
    ("softshrink", [("lambd", 0.5, "lambd")], [F.softshrink]),
    ("hardshrink", [("lambd", 0.5, "lambd")], [F.hardshrink, torch.hardshrink, Tensor.hardshrink]),
    ("threshold", [("threshold", REQUIRED, "threshold"), ("value", REQUIRED, "value")], [F.threshold, torch.threshold]),
]
IN_PLACE: dict[str, list[Any]] = {
    "relu": [torch.relu_, Tensor.relu_, F.relu_],
    "sigmoid": [torch.sigmoid_, Tensor.sigmoid_],
    "tanh": [torch.tanh_, Tensor.tanh_],
    "selu": [torch.selu_, F.selu_],
    "leaky_relu": [F.leaky_relu_],
    "elu": [F.elu_],
    "celu": [torch.celu_, F.celu_],
    "hardtanh": [F.hardtanh_],
}


def _activation(op: str, arguments: list[tuple[str, Any, str]], *, always_in_place: bool) -> Any:
    def handler(r: Recorder, input: Any, *given: Any, **named: Any) -> Tensor:
        values = dict(zip([name for name, _, _ in arguments] + ["inplace"], given, strict=False))
        if len(given) > len(arguments) + 1 or set(named) - {name for name, _, _ in arguments} - {"inplace"}:
            refuse(f"{op} with arguments {sorted(named)}", "use those of torch.nn.functional")
        values.update(named)
        attrs = {attr: values.get(name, default) for name, default, attr in arguments}
        attrs = {attr: value if isinstance(value, str) else _number(value) for attr, value in attrs.items()}
        node = r.add(op, [("x", r.node(input))], attrs)
        return r.overwrite(input, node) if always_in_place or values.get("inplace") else r.traced(node)

    return handler


for _op, _arguments, _spellings in ACTIVATIONS:
    spelled(*_spellings)(_activation(_op, _arguments, always_in_place=False))
    spelled(*IN_PLACE.get(_op, []))(_activation(_op, _arguments, always_in_place=True))


@spelled(F.relu6)
def _relu6(r: Recorder, input: Any, inplace: bool = False) -> Any:
    return TABLE[F.hardtanh](r, input, 0.0, 6.0, inplace)


def _axis(r: Recorder, x: Any, dim: Any) -> int:
    if type(dim) is not int:
        refuse(f"dim={dim!r}", "give one axis as an integer")
    return dim % len(r.shape(x)) if -len(r.shape(x)) <= dim < len(r.shape(x)) else dim


def _along(op: str) -> Any:
    def handler(r: Recorder, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
        if dtype is not None and name_of(dtype) != r.graph.nodes[r.node(input)].dtype:
            refuse(f"{op} with a cast to {dtype}", "keep one dtype")
        return r.compute(op, [("x", input)], {"axis": _axis(r, input, dim)})

    return handler


spelled(F.softmax)(_along("softmax"))
spelled(F.log_softmax)(_along("log_softmax"))


@spelled(torch.softmax, Tensor.softmax)
def _softmax(r: Recorder, input: Any, dim: Any, dtype: Any = None) -> Any:
    return TABLE[F.softmax](r, input, dim, 3, dtype)


@spelled(torch.log_softmax, Tensor.log_softmax)
def _log_softmax(r: Recorder, input: Any, dim: Any, dtype: Any = None) -> Any:
    return TABLE[F.log_softmax](r, input, dim, 3, dtype)


@spelled(F.softmin)
def _softmin(r: Recorder, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return TABLE[F.softmax](r, _combined(r, [(-1.0, input)]), dim, _stacklevel, dtype)


@spelled(F.glu)
def _glu(r: Recorder, input: Any, dim: int = -1) -> Tensor:
    return r.compute("glu", [("x", input)], {"axis": _axis(r, input, dim)})


@spelled(torch.prelu, F.prelu, Tensor.prelu)
def _prelu(r: Recorder, input: Any, weight: Any) -> Tensor:
    return r.compute("prelu", [("x", input), ("weight", weight)])


# arithmetic


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        refuse(f"a {type(value).__name__} where a number is expected", "use a Python int or float")
    return float(value)


def _combined_node(r: Recorder, terms: list[tuple[float, Any]]) -> int:
    """Node of Σ factor·term; a term is a tensor or a number."""
    constant = sum(factor * _number(term) for factor, term in terms if not isinstance(term, Tensor))
    tensors = [(factor, term) for factor, term in terms if isinstance(term, Tensor)]
    edges = [(repr(float(factor)), r.node(term)) for factor, term in tensors if factor != 0.0]
    if len(edges) == len(tensors):
        return r.add("sum", edges, {"constant": constant})
    whole = r.graph.nodes[r.add("sum", [("1.0", r.node(term)) for _, term in tensors], {"constant": 0.0})]
    zeros = r.add("full", [], {"shape": list(whole.shape), "value": 0.0, "dtype": whole.dtype})
    return r.add("sum", [*edges, ("1.0", zeros)], {"constant": constant})


def _combined(r: Recorder, terms: list[tuple[float, Any]]) -> Tensor:
    return r.traced(_combined_node(r, terms))


@spelled(torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__)
def _add(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return _combined(r, [(1.0, input), (_number(alpha), other)])


@spelled(Tensor.add_, Tensor.__iadd__)
def _add_in_place(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Any:
    if r.buffers.get(id(input), "").endswith("num_batches_tracked") and other == 1:
        return input  # batch-norm counts its calls; with a momentum nothing reads the count
    return r.overwrite(input, _combined_node(r, [(1.0, input), (_number(alpha), other)]))


@spelled(torch.sub, torch.subtract, Tensor.sub, Tensor.subtract, Tensor.__sub__)
def _sub(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return _combined(r, [(1.0, input), (-_number(alpha), other)])


@spelled(Tensor.__rsub__, torch.rsub)
def _rsub(r: Recorder, input: Any, other: Any) -> Tensor:
    return _combined(r, [(-1.0, input), (1.0, other)])


@spelled(Tensor.sub_, Tensor.__isub__)
def _sub_in_place(r: Recorder, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return r.overwrite(input, _combined_node(r, [(1.0, input), (-_number(alpha), other)]))


@spelled(torch.neg, torch.negative, Tensor.neg, Tensor.negative, Tensor.__neg__)
def _neg(r: Recorder, input: Any) -> Tensor:
    return _combined(r, [(-1.0, input)])


def _product_node(r: Recorder, a: Any, b: Any) -> int:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return r.add("prod", [("x", r.node(a)), ("x", r.node(b))])
    return _combined_node(r, [(_number(b), a)] if isinstance(a, Tensor) else [(_number(a), b)])


@spelled(torch.mul, torch.multiply, Tensor.mul, Tensor.multiply, Tensor.__mul__, Tensor.__rmul__)
def _mul(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.traced(_product_node(r, input, other))


@spelled(Tensor.mul_, Tensor.__imul__)
def _mul_in_place(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.overwrite(input, _product_node(r, input, other))


def _quotient_node(r: Recorder, x: Any, divisor: Any) -> int:
    if isinstance(divisor, Tensor) or _number(divisor) == 0:
        refuse("a division by a tensor or by zero", "multiply instead")
    if math.frexp(abs(_number(divisor)))[0] == 0.5 and 1e-30 < abs(divisor) < 1e30:  # a power of two: its reciprocal is exact
        return _combined_node(r, [(1.0 / _number(divisor), x)])
    return r.add("quotient", [("x", r.node(x))], {"divisor": _number(divisor)})


@spelled(torch.div, torch.divide, torch.true_divide, Tensor.div, Tensor.divide, Tensor.true_divide, Tensor.__truediv__)
def _div(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.traced(_quotient_node(r, input, other))


@spelled(Tensor.div_, Tensor.__itruediv__)
def _div_in_place(r: Recorder, input: Any, other: Any) -> Tensor:
    return r.overwrite(input, _quotient_node(r, input, other))


@spelled(torch.square, Tensor.square)
def _square(r: Recorder, input: Any) -> Tensor:
    return r.traced(_product_node(r, input, input))


@spelled(torch.pow, Tensor.pow, Tensor.__pow__)
def _pow(r: Recorder, input: Any, exponent: Any) -> Tensor:
    if not isinstance(exponent, (int, float)) or exponent != 2:
        refuse(f"a power with exponent {exponent!r}", "only squares are known so far")
    return r.traced(_product_node(r, input, input))
