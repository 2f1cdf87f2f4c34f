"""Whatever is under way, fails, is refused or drawn twice: a method on rungs neither stalls nor promotes the wrong ones."""

import pytest

from jitnas_fn.graphs.searcher import Trial
from tests.searchers.rungs import driven, laddered, method, points_on, rungs_of, worth

IN_BRACKETS = ("successive_halving", "hyperband")
METHODS = (*IN_BRACKETS, "asha")
FAILED = float("-inf")


def nothing_is_left_behind(made, under_way=1):
    """When all is told, no bracket waits for anything, and no more are begun than can have been needed."""
    return not hasattr(made, "_begun") or (not made._under_way and len(made._begun) <= under_way)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("latest_first", [False, True])
def test_many_under_way_never_stall_it(name, latest_first):
    made = method(name, laddered(4))
    trials = driven(made, 2000, under_way=150, latest_first=latest_first)
    assert all(points_on(rung, trials) for rung in range(4))
    assert len(set(trials)) == 2000
    assert made.best[1] == max(value for trial, value in trials if trial.rung == 3)
    assert nothing_is_left_behind(made, under_way=150)


@pytest.mark.parametrize("name", METHODS)
def test_all_may_be_asked_for_before_any_is_told(name):
    made = method(name, laddered(3))
    trials = [made.propose_trial() for _ in range(300)]
    for trial in reversed(trials):
        made.take(trial, worth(trial))
    assert made.propose_trial().rung > 0


@pytest.mark.parametrize("name", IN_BRACKETS)
def test_who_is_promoted_does_not_depend_on_who_is_told_first(name):
    runs = []
    for latest_first in (False, True):
        made = method(name, laddered(4))
        drawn = driven(made, 27, under_way=27, latest_first=latest_first)
        runs.append(drawn + driven(made, 13))
    assert runs[0] == runs[1]
    assert rungs_of(runs[0]) == 27 * [0] + 9 * [1] + 3 * [2] + [3]


@pytest.mark.parametrize("name", IN_BRACKETS)
def test_while_a_rung_waits_the_next_bracket_is_begun(name):
    made = method(name, laddered(4))
    driven(made, 26)
    late = made.propose_trial()
    meanwhile = driven(made, 10)
    assert set(rungs_of(meanwhile)) == {0 if name == "successive_halving" else 1}
    made.take(late, worth(late))
    assert rungs_of(driven(made, 13)) == 9 * [1] + 3 * [2] + [3]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("under_way", [1, 40])
def test_what_failed_is_promoted_nowhere(name, under_way):
    def value(trial):
        return FAILED if trial.point[0] % 3 == 0 or worth(trial) < 2e5 else worth(trial)

    made = method(name, laddered(4))
    trials = driven(made, 1500, value=value, under_way=under_way)
    known = dict(trials)
    assert all(known.get(Trial(trial.point, trial.rung - 1), 0.0) > FAILED for trial, _ in trials)
    assert made.best[1] == max(value for trial, value in trials if trial.rung == 3) > FAILED
    assert nothing_is_left_behind(made, under_way)


@pytest.mark.parametrize("name", METHODS)
def test_where_all_fail_it_goes_on(name):
    made = method(name, laddered(4))
    trials = driven(made, 500, value=lambda _: FAILED, under_way=5)
    assert set(rungs_of(trials)) == ({0, 1, 2, 3} if name == "hyperband" else {0})  # where its brackets begin
    assert nothing_is_left_behind(made, under_way=5)


def test_a_rung_is_smaller_where_too_few_are_left():
    made = method("successive_halving", laddered(4))
    drawn = [made.propose_trial() for _ in range(27)]
    for place, trial in enumerate(drawn):
        made.take(trial, float(place) if place < 2 else FAILED)
    trials = driven(made, 6)
    assert rungs_of(trials) == [1, 1, 2, 2, 3, 0]
    assert points_on(1, trials) == [drawn[1].point, drawn[0].point]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("under_way", [1, 8])
def test_a_point_beyond_the_bounds_takes_nobodys_place(name, under_way):
    """As if it could not be drawn."""

    def sample(rng):
        return (int(rng.random() * 1e12),)

    def allowed(rng):
        return next(point for point in iter(lambda: sample(rng), None) if point[0] % 4 == 0)

    bounded = method(name, laddered(4, sample=sample, most_seconds=0.5, seconds_of=lambda point: point[0] % 4))
    plain = method(name, laddered(4, sample=allowed))
    trials = driven(bounded, 300, under_way=under_way, propose=bounded._allowed)
    assert trials == driven(plain, 300, under_way=under_way)
    assert nothing_is_left_behind(bounded, under_way)


@pytest.mark.parametrize("name", METHODS)
def test_a_promoted_point_that_is_refused_holds_nobody_up(name):
    """What is said of its seconds may change: it was allowed on one rung, and is refused on the next."""
    made, refused = method(name, laddered(3)), set()

    def propose():
        while (trial := made.propose_trial()).rung == 1 and trial.point[0] % 2:
            made.refuse(trial.point)
            refused.add(trial.point)
        return trial

    trials = driven(made, 500, propose=propose, under_way=4)
    assert refused.isdisjoint(points_on(1, trials))
    assert all(points_on(rung, trials) for rung in range(3))
    assert nothing_is_left_behind(made, under_way=4)


@pytest.mark.parametrize("name", METHODS)
def test_a_point_that_nobody_has_asked_for_may_be_refused(name):
    made = method(name, laddered(3))
    made.refuse((1,))
    assert made.propose_trial().rung == 0


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("under_way", [1, 12])
def test_a_space_of_two_points_is_climbed_to_its_top(name, under_way):
    made = method(name, laddered(4, sample=lambda rng: (int(rng.random() * 2),)))
    trials = driven(made, 600, value=lambda trial: float(trial.point[0]), under_way=under_way)
    assert all(points_on(rung, trials) for rung in range(4))
    assert made.best == ((1,), 1.0)
    assert nothing_is_left_behind(made, under_way)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_known_from_elsewhere_moves_nobody(name):
    plain, warmed = method(name, laddered(4)), method(name, laddered(4))
    for number in range(20):
        warmed.take(Trial((number,), 3), 1e12 + number)
    assert driven(plain, 300, under_way=4) == driven(warmed, 300, under_way=4)
    assert warmed.best == ((19,), 1e12 + 19)
