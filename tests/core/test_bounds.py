"""Numbers that somebody else wrote."""

import math
import sys

import pytest

from jitnas_fn.core.bounds import LARGEST, finite, whole

HUGE = 10**400


@pytest.mark.parametrize(
    "value",
    [HUGE, -HUGE, int(LARGEST) * 2, math.inf, -math.inf, math.nan, True, "1", None, [1], 1j],
    ids=lambda it: str(it)[:9],
)
def test_what_a_float_does_not_hold_is_no_finite_number(value):
    assert finite(value) is None


@pytest.mark.parametrize("value", [0, -3, 0.5, 10**300, sys.float_info.max, int(LARGEST), 5e-324], ids=lambda it: str(it)[:9])
def test_what_a_float_holds_is_one(value):
    assert finite(value) == float(value)
    assert type(finite(value)) is float


@pytest.mark.parametrize(("value", "found"), [(1, 1), (2, 2), (0.999, None), (2.001, None), (HUGE, None), (-HUGE, None)])
def test_bounds_belong_to_what_they_bound(value, found):
    assert finite(value, least=1, most=2) == found


@pytest.mark.parametrize(
    ("value", "found"), [(0, 0), (2**63 - 1, 2**63 - 1), (2**63, None), (-1, None), (1.0, None), (False, None), (HUGE, None)]
)
def test_a_whole_number_is_from_zero_to_what_a_machine_counts(value, found):
    assert whole(value) is found or whole(value) == found
