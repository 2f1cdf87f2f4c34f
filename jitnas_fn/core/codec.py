"""JSON, and the one canonical form that every hash of the project is taken over."""

import hashlib
import json
import math
from typing import Any

from jitnas_fn.core.errors import JitnasError

Json = dict[str, Any]
MAX_DEPTH = 64
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical(value: object) -> str:
    """Write `value` as canonical JSON: keys sorted by code point, no spaces, ASCII with \\uXXXX escapes, no NaN.

    Integers are written in decimal without a point. Floats are written as Python's `repr`: the shortest digits that read
    back to the same double, always with a point or an exponent (`1.0`, `1e-05`, `1e+16`).

    Raises
    ------
    ValueError
        If a NaN or an infinity is inside.
    """
    return _CANONICAL.encode(value)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def parse(text: str, *, max_bytes: int, error: type[JitnasError], what: str, hashed: bool = False) -> Json:
    """Read one JSON object from text that may be hostile.

    Parameters
    ----------
    text
        The JSON text.
    max_bytes
        Longest text read; a longer one is refused before it is parsed. [characters]
    error
        The error class to raise.
    what
        What the text should be, for the message ("document", "record").
    hashed
        Whether the caller takes a `digest` of all that is in it, which refuses numbers too large for a float; to ask each
        number here takes a fifth of the time.

    Raises
    ------
    JitnasError
        Of class `error`, for anything but a JSON object of finite numbers nested at most 64 deep.
    """
    if not isinstance(text, str):
        raise error(f"a {what} is JSON text, not {type(text).__name__}")
    if len(text) > max_bytes:
        raise error(f"this {what} has {len(text):,} characters; at most {max_bytes:,} are read")
    try:
        value = (_PLAIN if hashed else _FINITE).decode(text)
    except (ValueError, RecursionError) as reason:
        raise error(f"this {what} is not valid JSON: {str(reason)[:200]}") from None
    if not isinstance(value, dict):
        raise error(f"a {what} is a JSON object, not {type(value).__name__}")
    if text.count("{") + text.count("[") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise error(f"this {what} is nested more than {MAX_DEPTH} deep")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is out of range")
    return value


def _deeper_than(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_PLAIN = json.JSONDecoder(parse_constant=_refuse_constant)
_FINITE = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
