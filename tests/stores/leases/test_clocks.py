"""One holder at a time, whatever the clocks say within their bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitnas_fn.stores.leases import SKEW_SECONDS, Held, Lease, Leases
from tests.stores.leases.nodes import KEY, NOON, TTL, Clock, _leases, _renews


@pytest.mark.parametrize("ahead", [-SKEW_SECONDS, 0.0, SKEW_SECONDS])
def test_a_holder_that_beats_is_never_taken_over_by_a_skewed_clock(tmp_path, clock, ahead):
    lease = _leases(tmp_path, clock).claim(KEY)
    observer = _leases(tmp_path, clock, ahead)
    for _ in range(40):
        clock.now += TTL / 4
        assert isinstance(observer.claim(KEY), Held)
        lease.renew()
    clock.now += TTL  # three more beats failed
    assert isinstance(observer.claim(KEY), Held)


@pytest.mark.parametrize("ahead", [-SKEW_SECONDS, 0.0, SKEW_SECONDS])
def test_a_dead_holder_is_taken_over_between_ttl_and_ttl_and_twice_the_skew(tmp_path, clock, ahead):
    _leases(tmp_path, clock).claim(KEY)
    observer = _leases(tmp_path, clock, ahead)
    clock.now += TTL + SKEW_SECONDS - ahead
    assert isinstance(observer.claim(KEY), Held)
    clock.now += 0.001
    assert observer.claim(KEY).token == 2
    assert clock.now - NOON <= TTL + 2 * SKEW_SECONDS + 0.001


def test_a_dead_holder_whose_clock_was_days_ahead_is_taken_over_by_one_who_watches(tmp_path, clock):
    _leases(tmp_path, clock, 5 * 86_400).claim(KEY)
    observer = _leases(tmp_path, clock)
    assert isinstance(observer.claim(KEY), Held)
    clock.now += TTL + 2 * SKEW_SECONDS
    assert isinstance(observer.claim(KEY), Held)
    clock.now += 1
    assert observer.claim(KEY).token == 2


def test_an_observer_whose_clock_is_set_from_one_bound_to_the_other_does_not_take_over(tmp_path, clock):
    lease = _leases(tmp_path, clock).claim(KEY)
    shift = [-SKEW_SECONDS]
    observer = Leases(tmp_path, clock=lambda: clock.now + shift[0], ttl_seconds=TTL)
    assert isinstance(observer.claim(KEY), Held)
    shift[0], clock.now = SKEW_SECONDS, clock.now + TTL / 4
    assert isinstance(observer.claim(KEY), Held)
    assert _renews(lease)


ACTORS = 4


EVENTS = st.lists(
    st.tuples(st.sampled_from(["claim", "claim", "renew", "done", "give up", "die"]), st.integers(0, ACTORS - 1))
    | st.tuples(st.just("wait"), st.sampled_from([1.0, TTL / 4, TTL, TTL + SKEW_SECONDS, TTL + 2 * SKEW_SECONDS + 1])),
    max_size=40,
)


@settings(max_examples=300)
@given(events=EVENTS, ahead=st.lists(st.floats(0, SKEW_SECONDS), min_size=ACTORS, max_size=ACTORS))
def test_never_do_two_hold_and_a_token_never_returns(tmp_path_factory, events, ahead):
    folder, clock = tmp_path_factory.mktemp("leases"), Clock()
    nodes = [_leases(folder, clock, seconds) for seconds in ahead]
    holds, tokens, published, last_beat = {}, [0], 0, None
    for event, who in events:
        if event == "wait":
            clock.now += who
        elif event == "claim" and who not in holds:
            lease = nodes[who].claim(KEY, least=published + 1)
            if isinstance(lease, Lease):
                assert last_beat is None or clock.now - last_beat > TTL
                assert lease.token > tokens[-1]
                tokens.append(lease.token)
                holds[who], last_beat = lease, clock.now
            else:
                assert clock.now - last_beat < TTL + 2 * SKEW_SECONDS + 1
        elif event == "die" and who in holds:
            holds.pop(who).close()
        elif event == "renew" and who in holds:
            assert _renews(holds[who]) is (holds[who].token == tokens[-1])
            last_beat = clock.now if holds[who].token == tokens[-1] else last_beat
        elif event in ("done", "give up") and who in holds:
            lease = holds.pop(who)
            if event == "done":  # its record is there before the chain goes
                published = max(published, lease.token)
            lease.release(done=event == "done")
            last_beat = None if lease.token == tokens[-1] else last_beat
        assert [lease.token for lease in holds.values() if lease.holds()] in ([], [tokens[-1]])
    for lease in holds.values():
        lease.close()


@given(silent=st.lists(st.floats(0, TTL - 0.001), max_size=12), ahead=st.floats(-SKEW_SECONDS, SKEW_SECONDS))  # files bear ns
def test_whoever_beats_within_the_ttl_keeps_the_lease(tmp_path_factory, silent, ahead):
    folder, clock = tmp_path_factory.mktemp("leases"), Clock()
    lease, observer = _leases(folder, clock).claim(KEY), _leases(folder, clock, ahead)
    for seconds in silent:
        clock.now += seconds
        assert isinstance(observer.claim(KEY), Held)
        lease.renew()
    lease.close()
