"""Means, deviations and bands, against values counted by hand, and against the standard library."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.analysis.bands import BANDS, QUARTILES, Band, band, bands_over, deviation_of, standard_error
from jitnas_fn.analysis.steps import Steps

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


def test_a_band_is_one_standard_error_of_the_mean_on_each_side():
    assert band([1.0, 2.0, 3.0, 6.0]) == pytest.approx((3.0, 3.0 - 1.0801234497, 3.0 + 1.0801234497))


def test_quartiles_lie_around_the_median():
    assert band([4.0, 1.0, 2.0, 3.0, 10.0], kind=QUARTILES) == (3.0, 2.0, 4.0)
    assert band([1.0, 2.0], kind=QUARTILES) == (1.5, 1.25, 1.75)


@pytest.mark.parametrize("kind", BANDS)
def test_a_single_value_has_no_band(kind):
    assert band([0.5], kind=kind) == Band(0.5, None, None)
    assert deviation_of([0.5]) is standard_error([0.5]) is None


def test_a_band_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no band 'range'; there are standard error, interquartile range"):
        band([1.0], kind="range")


def test_bands_over_seeds_are_exact_at_each_place():
    first, second = Steps.through([(1, 0.0), (3, 1.0)], end=4), Steps.through([(2, 0.5)], end=4)
    assert [one.middle for one in bands_over([first, second], [2, 3, 4])] == [0.25, 0.75, 0.75]


@given(VALUES)
def test_means_and_deviations_are_those_of_the_standard_library(values):
    assert deviation_of(values) == pytest.approx(statistics.stdev(values), rel=1e-9, abs=1e-6)
    middle, low, high = band(values)
    assert middle == pytest.approx(statistics.mean(values), rel=1e-9, abs=1e-6)
    assert (low + high) / 2 == pytest.approx(middle, rel=1e-9, abs=1e-6)


@given(VALUES, st.randoms())
def test_quartiles_are_those_of_the_standard_library_in_any_order(values, rng):
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    middle, low, high = band(rng.sample(values, len(values)), kind=QUARTILES)
    assert [low, middle, high] == pytest.approx(quartiles, rel=1e-9, abs=1e-6)
