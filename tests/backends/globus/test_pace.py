"""Requests follow each other as fast as the service allows, and no faster, whoever in this process makes them."""

import pytest

from jitnas_fn.backends._globus import pace
from jitnas_fn.backends._globus.pace import FREE, SLOW_SECONDS, SPAN_SECONDS, Pace


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def test_the_first_few_are_made_at_once_and_the_others_one_by_one(clock):
    booked = Pace()
    waits = [booked.book() for _ in range(FREE + 3)]
    assert waits == [0.0] * FREE + [SLOW_SECONDS, 2 * SLOW_SECONDS, 3 * SLOW_SECONDS]


def test_after_a_while_they_are_made_at_once_again(clock):
    booked = Pace()
    for _ in range(FREE):
        booked.book()
    assert booked.book() == SLOW_SECONDS
    clock[0] += SPAN_SECONDS + SLOW_SECONDS
    assert booked.book() == 0.0


def test_however_many_are_made_they_are_fewer_than_the_service_takes(clock):
    booked, made = Pace(), []
    for _ in range(100):
        clock[0] += booked.book()
        made.append(clock[0])
    busiest = max(sum(1 for other in made if 0 <= other - one < 10.0) for one in made)
    assert busiest <= FREE + 10  # of the 20 that the service takes in 10 s
