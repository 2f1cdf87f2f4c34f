"""Rank correlation, against values counted by hand and against scipy's."""

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jitnas_fn.analysis.ranks import average_ranks, spearman

FEW = st.integers(0, 5).map(float)  # with many ties


def test_equal_values_share_the_mean_of_their_ranks():
    assert average_ranks([10.0, 30.0, 10.0, 20.0, 30.0, 30.0]) == [1.5, 5.0, 1.5, 3.0, 5.0, 5.0]
    assert average_ranks([]) == []


def test_the_correlation_of_five_pairs_counted_by_hand():
    assert spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert spearman([1, 2, 3], [30, 20, 10]) == -1.0


@pytest.mark.parametrize("lists", [([], []), ([1.0], [2.0]), ([1.0, 1.0], [1.0, 2.0]), ([1.0, 2.0], [3.0, 3.0])])
def test_there_is_none_where_nothing_differs(lists):
    assert spearman(*lists) is None


def test_lists_that_make_no_pairs_are_refused():
    with pytest.raises(ValueError, match="3 and 2 values make none"):
        spearman([1, 2, 3], [1, 2])


@given(st.lists(st.tuples(FEW, FEW), min_size=2, max_size=40))
def test_it_is_that_of_scipy(pairs):
    first, second = zip(*pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.ConstantInputWarning)
        theirs = stats.spearmanr(first, second).statistic
    ours = spearman(first, second)
    assert ours == pytest.approx(theirs, abs=1e-12) if ours is not None else math.isnan(theirs)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=20))
def test_only_the_order_counts(pairs):
    first, second = zip(*pairs, strict=True)
    stretched = [8 * value for value in first]  # exact in binary
    assert spearman(first, second) == spearman(stretched, second) == spearman(second, first)
    assert average_ranks(first) == list(stats.rankdata(first))
