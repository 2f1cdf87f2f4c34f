"""What an operation of the graph is: its inputs, its attributes, what it gives. `graphs.opset` lists them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs.dtypes import DTYPES, Typed, one_float

Shape = tuple[int, ...]
Labelled = Sequence[tuple[str, Shape]]
Check = Callable[[Any], Any]
Infer = Callable[[Json, Labelled], Sequence[int]]  # (attributes, [(label, shape)]) -> shape of the value
LEAVES = ("input", "parameter", "buffer", "start")  # start: one draw that several parameters begin with
LARGEST_INTEGER = 2**31 - 1  # torch's pooling counts in 32 bits
LARGEST_HALF = 65504.0  # that float16 holds
LARGEST_TENSOR = 2**29  # elements of one tensor, for one sample


REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of torch's function.

    Attributes
    ----------
    name, default
        As torch has them; `REQUIRED` without a default.
    attr
        The attribute that it is here; empty if that has the same name.
    """

    name: str
    default: Any = REQUIRED
    attr: str = ""

    @property
    def attribute(self) -> str:
        """Name of the attribute; that of the argument unless another is given."""
        return self.attr or self.name


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of operation.

    Attributes
    ----------
    shape
        (attributes, [(label, shape)]) -> shape of the value; raises `DocumentError` where they do not fit.
    slots, optional
        Labels of the inputs that must, and may, be there once.
    many
        For a number of inputs that is free: "coefficients" (the label is the factor, a float), "multiset" (all labelled x)
        or "ordered" (labelled 0, 1, 2, ...).
    attrs
        Name of each attribute and what checks it.
    pure
        Whether two equal calls are one value. Not so for what draws random numbers or keeps statistics.
    keeps_zero
        Whether zeros go in and zeros come out (for x; a bias would break it).
    macs
        (attributes, [(label, shape)], shape of the value) -> multiply-adds for one sample.
    opset
        Version of the set of operations that brought it.
    dtype
        (attributes, [(label, dtype)]) -> dtype of the value; raises `DocumentError` where they do not fit.
    converted
        Attributes that torch converts to the type of the value, and refuses where that cannot hold them.
    torch
        For an operation on one tensor, element by element, that torch has as well: what torch calls it. It is recognised under
        this name in `torch`, `torch.Tensor` and `torch.nn.functional`, also with a trailing underscore, and runs by it.
    arguments
        Torch's arguments after the tensor, in its order.
    """

    shape: Infer
    slots: tuple[str, ...] = ("x",)
    optional: tuple[str, ...] = ()
    many: str = ""
    attrs: Mapping[str, Check] = field(default_factory=dict)
    pure: bool = True
    keeps_zero: bool = False
    macs: Callable[[Json, Labelled, Shape], int] | None = None
    opset: int = 1
    dtype: Callable[[Json, Typed], str] = one_float
    converted: tuple[str, ...] = ()
    torch: str = ""
    arguments: tuple[Argument, ...] = ()

    def checked_attrs(self, given: Json) -> Json:
        """`given` in canonical types, if it has exactly the attributes of this operation."""
        if set(given) != set(self.attrs):
            raise DocumentError(f"attributes are {', '.join(self.attrs) or 'none'}, not {str(sorted(given))[:120]}")
        return {name: check(given[name]) for name, check in self.attrs.items()}

    def check_labels(self, labels: Sequence[str]) -> None:
        """Raise `DocumentError` unless the inputs are those of this operation."""
        if self.many == "coefficients":
            fits = bool(labels) and all(_is_coefficient(label) for label in labels)
        elif self.many == "multiset":
            fits = len(labels) > 1 and set(labels) == {"x"}
        elif self.many == "ordered":
            fits = len(labels) > 1 and sorted(labels) == sorted(str(i) for i in range(len(labels)))
        else:
            once = len(set(labels)) == len(labels)
            fits = once and set(self.slots) <= set(labels) <= {*self.slots, *self.optional}
        if not fits:
            raise DocumentError(
                f"inputs are {self.many or ', '.join(self.slots + self.optional)}, not {str(list(labels))[:120]}"
            )

    def check_range(self, attrs: Json, labels: Sequence[str], dtype: str) -> None:
        """Raise `DocumentError` if a number is beyond what the type of the value holds; the others hold every number."""
        if dtype != "float16":
            return
        numbers = [float(label) for label in labels] if self.many == "coefficients" else []
        numbers += [attrs[name] for name in self.converted if isinstance(attrs[name], float)]
        for number in numbers:
            if abs(number) > LARGEST_HALF:
                raise DocumentError(f"float16 holds numbers up to {LARGEST_HALF}, not {number}")


def _is_coefficient(label: str) -> bool:
    try:
        return repr(float(label)) == label and abs(float(label)) <= 3e38 and float(label) != 0
    except ValueError:
        return False


def an_int(value: Any) -> int:
    """Check for an integer attribute."""
    if type(value) is not int or abs(value) > LARGEST_INTEGER:
        raise DocumentError(f"expected an integer below 2^31, not {str(value)[:60]!r}")
    return value


def ints(value: Any) -> list[int]:
    """Check for a list of at most 8 integers."""
    if not isinstance(value, (list, tuple)) or len(value) > 8:
        raise DocumentError(f"expected a list of at most 8 integers, not {str(value)[:60]!r}")
    return [an_int(item) for item in value]


def pairs(value: Any) -> list[list[int]]:
    """Check for a list of at most 8 pairs of integers."""
    if not isinstance(value, (list, tuple)) or len(value) > 8 or any(len(ints(item)) != 2 for item in value):
        raise DocumentError(f"expected a list of pairs of integers, not {str(value)[:60]!r}")
    return [ints(item) for item in value]


def a_float(value: Any) -> float:
    """Check for a finite number, kept as a float."""
    if type(value) not in (int, float) or not abs(value) <= 3e38:
        raise DocumentError(f"expected a finite number, not {str(value)[:60]!r}")
    return float(value)


def a_bool(value: Any) -> bool:
    """Check for True or False."""
    if not isinstance(value, bool):
        raise DocumentError(f"expected true or false, not {str(value)[:60]!r}")
    return value


def a_dtype(value: Any) -> str:
    """Check for the name of a dtype."""
    return one_of(*DTYPES)(value)  # type: ignore[no-any-return]


def a_limit(value: Any) -> float | str:
    """Check for a finite number, kept as a float, or one of "inf" and "-inf"."""
    return value if value in ("inf", "-inf") and isinstance(value, str) else a_float(value)


def a_text(value: Any) -> str:
    """Check for a text in ASCII."""
    if not isinstance(value, str) or not value.isascii():
        raise DocumentError(f"expected a text in ASCII, not {str(value)[:60]!r}")
    return value


def floats(value: Any) -> list[float]:
    """Check for a list of at most 8 finite numbers."""
    if not isinstance(value, (list, tuple)) or len(value) > 8:
        raise DocumentError(f"expected a list of at most 8 numbers, not {str(value)[:60]!r}")
    return [a_float(item) for item in value]


def one_of(*choices: str) -> Check:
    """Check for one of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise DocumentError(f"expected one of {', '.join(choices)}, not {str(value)[:60]!r}")
        return value

    return check


def or_none(check: Check) -> Check:
    """Check that lets None pass."""
    return lambda value: None if value is None else check(value)
