"""How a parameter starts, as a document writes it."""

import math
from collections.abc import Sequence

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError

KEPT = 0.01  # the least share of the draws that a truncated normal keeps
COUNTS = {"const": 1, "uniform": 2, "normal": 2, "trunc_normal": 4}
MAX_PIECES = 64  # of "rows"


def checked_init(init: object, shape: Sequence[int]) -> Json:
    """`init` with every number as a float, if it is one of the forms and fits the shape.

    Raises
    ------
    DocumentError
        If the form is unknown, a number is not finite, a range is empty, a truncated normal keeps under 1% of the draws, or
        the rows are not those of the shape.
    """
    if not isinstance(init, dict) or len(init) != 1 or next(iter(init)) not in (*COUNTS, "rows"):
        raise DocumentError(f"an initialisation is one of {', '.join((*COUNTS, 'rows'))}, not {str(init)[:80]}")
    ((name, given),) = init.items()
    return _checked_rows(given, shape) if name == "rows" else _checked_draw(name, given)


def joined(pieces: Sequence[tuple[int, Json]]) -> Json:
    """The initialisation of a parameter whose rows start piece by piece; neighbours that start alike are one."""
    merged: list[tuple[int, Json]] = []
    for count, init in pieces:
        if merged and merged[-1][1] == init:
            merged[-1] = merged[-1][0] + count, init
        else:
            merged.append((count, init))
    return merged[0][1] if len(merged) == 1 else {"rows": [[count, init] for count, init in merged]}


def _checked_rows(given: object, shape: Sequence[int]) -> Json:
    if not isinstance(given, list) or not 2 <= len(given) <= MAX_PIECES:
        raise DocumentError(f"rows is a list of 2 to {MAX_PIECES} pieces, not {str(given)[:80]}")
    pieces = []
    for piece in given:
        if not isinstance(piece, list) or len(piece) != 2 or type(piece[0]) is not int or piece[0] < 1:
            raise DocumentError(f"a piece of rows is [count, initialisation], not {str(piece)[:80]}")
        if not isinstance(piece[1], dict) or "rows" in piece[1]:
            raise DocumentError("rows are not nested")
        pieces.append((piece[0], checked_init(piece[1], shape)))
    if not shape or sum(count for count, _ in pieces) != shape[0]:
        raise DocumentError(f"the rows of an initialisation add up to the first axis of {list(shape)}")
    init = joined(pieces)
    if len(init.get("rows", ())) != len(pieces):
        raise DocumentError("neighbouring rows that start alike are written as one piece")
    return init


def _checked_draw(name: str, given: object) -> Json:
    values = [given] if name == "const" else given
    if not isinstance(values, list) or len(values) != COUNTS[name]:
        raise DocumentError(f"initialisation {name} takes {COUNTS[name]} numbers, not {str(given)[:80]}")
    if not all(type(value) in (int, float) and abs(value) <= 3e38 for value in values):
        raise DocumentError(f"initialisation {name} takes finite numbers, not {str(given)[:80]}")
    numbers = [float(value) for value in values]
    if name == "const":
        return {name: numbers[0]}
    if name == "uniform" and numbers[0] >= numbers[1]:
        raise DocumentError(f"initialisation uniform goes from a smaller to a larger number, not {numbers}")
    if name != "uniform" and numbers[1] <= 0:
        raise DocumentError(f"initialisation {name} has a standard deviation above 0, not {numbers[1]}")
    if name == "trunc_normal" and share_inside(numbers) < KEPT:
        raise DocumentError(f"a truncated normal keeps at least {KEPT:.0%} of the draws; {numbers} does not")
    return {name: numbers}


def share_inside(numbers: list[float]) -> float:
    """The share of a normal distribution [mean, std, low, high] that lies between its bounds."""
    mean, std, low, high = numbers
    below = [0.5 * (1 + math.erf((edge - mean) / (std * math.sqrt(2)))) for edge in (low, high)]
    return below[1] - below[0]
