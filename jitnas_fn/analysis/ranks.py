"""Whether two lists put the same things in the same order."""

import statistics
from collections.abc import Sequence

FEWEST = 10  # pairs, for a correlation to be told


def average_ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, from 1 for the smallest; those that are equal share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, -1 to 1: Pearson's between the average ranks [1]_.

    None where there is none: of fewer than two pairs, or where all values of a list are equal.

    Parameters
    ----------
    first, second
        As long as each other; what stands at one place belongs together.

    References
    ----------
    .. [1] C. Spearman, "The Proof and Measurement of Association between Two Things", 1904.
    """
    if len(first) != len(second):
        raise ValueError(f"a rank correlation is of pairs: {len(first)} and {len(second)} values make none")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    found = statistics.correlation(average_ranks(first), average_ranks(second))
    return max(-1.0, min(1.0, found))
