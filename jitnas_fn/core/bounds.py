"""Numbers that somebody else wrote, taken only within bounds: a whole number in JSON may be too large for any float."""

import sys

LARGEST = sys.float_info.max
LARGEST_WHOLE = 2**63 - 1
LONGEST_SECONDS = 1e9  # thirty years: nothing here lasts longer, and no clock of a thread waits much longer


def finite(value: object, *, least: float = -LARGEST, most: float = LARGEST) -> float | None:
    """`value` as a float if it is a number from `least` to `most`; None for anything else, a bool too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        return None
    return float(value)


def whole(value: object, *, least: int = 0, most: float = LARGEST_WHOLE) -> int | None:
    """`value` if it is a whole number from `least` to `most`; None for anything else, a bool too."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        return None
    return int(value)
