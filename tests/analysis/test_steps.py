"""Step functions, against values counted by hand, and what holds of all of them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.analysis.steps import Steps, common_grid

VALUES = st.floats(-1e6, 1e6)
PAIRS = st.lists(st.tuples(st.integers(0, 50), VALUES), max_size=30).map(lambda pairs: sorted(pairs, key=lambda pair: pair[0]))


def test_the_best_so_far_stays_until_something_better_comes():
    found = Steps.best_so_far([(1, 0.3), (2, None), (3, 0.2), (4, 0.5), (6, 0.5)], end=8)
    assert (found.places, found.values, found.end) == ((1, 4), (0.3, 0.5), 8)
    assert [found.at(place) for place in (0, 1, 3.9, 4, 100)] == [None, 0.3, 0.3, 0.5, 0.5]


def test_of_several_at_one_place_the_last_holds():
    assert Steps.through([(0.0, 1.0), (2.0, 3.0), (2.0, 2.0)], end=2.0).values == (1.0, 2.0)


def test_nothing_is_known_of_what_has_no_values():
    assert Steps.best_so_far([(1, None)], end=5).at(3) is None


def test_regret_is_the_distance_to_the_best_there_is():
    found = Steps.through([(1, 0.5), (2, 0.75)], end=2)
    assert found.regret(1.0).values == (0.5, 0.25)
    assert found.regret(0.25, direction="minimise").values == (0.25, 0.5)


def test_a_grid_begins_where_all_have_begun_and_has_each_change():
    first = Steps.through([(1, 0.0), (4, 1.0)], end=9)
    second = Steps.through([(2, 0.0), (3, 1.0)], end=5)
    assert common_grid([first, second]) == [2, 3, 4, 5, 9]
    assert common_grid([first, Steps.through([], end=3)]) == [1, 4, 9]
    assert common_grid([Steps.through([], end=3)]) == []


def test_a_long_grid_is_thinned_between_its_ends():
    whole = Steps.through([(place, 0.0) for place in range(1000)], end=1000)
    places = common_grid([whole], most=11)
    assert places == [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]


@given(PAIRS)
def test_the_best_so_far_is_the_greatest_by_then(pairs):
    found = Steps.best_so_far(pairs, end=60)
    assert list(found.values) == sorted(set(found.values))
    for place in range(-1, 61):
        assert found.at(place) == max((value for other, value in pairs if other <= place), default=None)


@given(st.lists(PAIRS.filter(bool), min_size=1, max_size=5))
def test_between_two_places_of_a_grid_nothing_changes(several):
    functions = [Steps.through(pairs, end=51) for pairs in several]
    places = common_grid(functions)
    assert places == sorted(set(places))
    for low, high in itertools.pairwise(places):
        assert all(function.at(low) == function.at((low + high) / 2) is not None for function in functions)


@given(PAIRS, VALUES)
def test_regret_comes_back_to_the_value(pairs, optimum):
    found = Steps.through(pairs, end=60)
    assert found.regret(optimum).values == pytest.approx([optimum - value for value in found.values])
