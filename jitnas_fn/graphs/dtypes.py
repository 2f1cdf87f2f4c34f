"""The type of number that each operation gives, and when its inputs do not fit together."""

from collections.abc import Sequence

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "uint8")
DTYPES = (*FLOATS, *INTEGERS, "bool")
BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "uint8": 1, "bool": 1}
Typed = Sequence[tuple[str, str]]  # (label, dtype) of each input


def _need(holds: object, message: str) -> None:
    if not holds:
        raise DocumentError(message)


def _one(dtypes: set[str], allowed: tuple[str, ...], what: str) -> str:
    fits = len(dtypes) == 1 and dtypes <= set(allowed)
    _need(fits, f"works on one {what} type, not on {', '.join(sorted(dtypes))}")
    return next(iter(dtypes))


def one_float(attrs: Json, inputs: Typed) -> str:
    """One floating-point type goes in and comes out."""
    return _one({dtype for _, dtype in inputs}, FLOATS, "floating-point")


def any_type(attrs: Json, inputs: Typed) -> str:
    """One type of any kind goes in and comes out: what only moves numbers."""
    return _one({dtype for _, dtype in inputs}, DTYPES, "number")


def as_said(attrs: Json, inputs: Typed) -> str:
    """The type that the attribute `dtype` names."""
    return str(attrs["dtype"])


def comparison(attrs: Json, inputs: Typed) -> str:
    """Numbers of one type to true or false."""
    _one({dtype for _, dtype in inputs}, (*FLOATS, *INTEGERS), "number")
    return "bool"


def truths(attrs: Json, inputs: Typed) -> str:
    """True or false goes in and comes out."""
    return _one({dtype for _, dtype in inputs}, ("bool",), "truth")


def where_true(attrs: Json, inputs: Typed) -> str:
    """`mask` is true or false; the rest is of one floating-point type."""
    _need(dict(inputs)["mask"] == "bool", "a mask is true or false")
    return one_float(attrs, [(label, dtype) for label, dtype in inputs if label != "mask"])


def taken(attrs: Json, inputs: Typed) -> str:
    """The type of x; `index` counts."""
    named = dict(inputs)
    _need(named["index"] in ("int64", "int32"), f"an index is int64 or int32, not {named['index']}")
    return one_float(attrs, [("x", named["x"])])
