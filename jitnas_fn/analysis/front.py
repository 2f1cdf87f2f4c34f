"""Which of many are the best for what they cost."""

from collections.abc import Sequence


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> list[int]:
    """Places of those that no other beats: costing no more and worth no less, and one of both strictly.

    By rising cost; of several that are equal in both, the first.

    Parameters
    ----------
    costs
        Less is better.
    values
        More is better.
    """
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -values[place], place))
    front: list[int] = []
    for place in order:
        if not front or values[place] > values[front[-1]]:
            front.append(place)
    return front
