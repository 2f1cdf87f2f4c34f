"""The Pareto front, against one drawn by hand and against its definition."""

from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.analysis.front import pareto_front

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30)


def test_a_front_rises_with_cost():
    costs, values = [3, 1, 2, 2, 4, 5], [0.8, 0.5, 0.7, 0.6, 0.8, 0.9]
    assert pareto_front(costs, values) == [1, 2, 0, 5]


def test_of_equal_ones_the_first_is_taken():
    assert pareto_front([1, 1, 1], [0.5, 0.5, 0.4]) == [0]
    assert pareto_front([], []) == []


@given(POINTS)
def test_what_is_on_it_is_beaten_by_none_and_the_rest_by_some_or_equal(points):
    costs, values = [cost for cost, _ in points], [value for _, value in points]
    front = pareto_front(costs, values)
    best = {points[place] for place in front}
    assert len(best) == len(front)
    for cost, value in points:
        beaten = any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in points)
        assert ((cost, value) in best) is not beaten
