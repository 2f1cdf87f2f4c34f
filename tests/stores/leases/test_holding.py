"""One holder at a time: who claims, gives up, finishes, loses and comes back, and under which token."""

import os

import pytest

from jitnas_fn.core.errors import LeaseLost
from jitnas_fn.stores.leases import COMPACTION, SKEW_SECONDS, Held, Lease
from tests.stores.leases.nodes import KEY, OTHER, TTL, _leases, _names, _renews


def test_one_holds_and_the_other_is_told_who(tmp_path, clock):
    mine = _leases(tmp_path / "leases", clock, site="here").claim(KEY)
    assert (mine.key, mine.token, mine.generation) == (KEY, 1, 1)
    clock.now += 5
    held = _leases(tmp_path / "leases", clock).claim(KEY)
    assert isinstance(held, Held)
    assert (held.token, held.holder["site"], held.holder["pid"]) == (1, "here", os.getpid())
    assert held.holder["since"] == "2027-01-15T08:00:00Z"
    assert held.age_seconds == pytest.approx(5)
    assert _renews(mine)
    assert _names(tmp_path) == [f"leases/ab/{KEY}.1"]


def test_other_keys_are_free(tmp_path, clock):
    leases = _leases(tmp_path, clock)
    opaque = "opaque-12345678-1234-1234-1234-123456789abc"
    for key in (KEY, OTHER, opaque, COMPACTION):
        assert isinstance(leases.claim(key), Lease)
    assert _names(tmp_path) == [f"_/{COMPACTION}.1", f"_/{opaque}.1", f"ab/{KEY}.1", f"cd/{OTHER}.1"]


def test_what_is_done_leaves_no_file(tmp_path, clock):
    leases = _leases(tmp_path, clock)
    for _ in range(3):
        leases.claim(KEY).release(done=False)
    assert len(_names(tmp_path)) == 3
    leases.claim(KEY).release(done=True)
    assert _names(tmp_path) == []


def test_what_was_given_up_is_free_at_once_under_the_next_token(tmp_path, clock):
    leases = _leases(tmp_path, clock)
    tokens = []
    for _ in range(4):
        lease = leases.claim(KEY)
        tokens.append(lease.token)
        lease.release(done=False)
    assert tokens == [1, 2, 3, 4]


def test_a_token_is_above_those_of_records_also_when_the_chain_is_gone(tmp_path, clock):
    leases = _leases(tmp_path, clock)
    leases.claim(KEY, least=7).release(done=True)
    first = leases.claim(KEY, least=8)
    assert (first.token, first.generation) == (8, 1)
    clock.now += 1000
    assert leases.claim(KEY, least=3).token == 9  # by one who has not seen the record yet


def test_one_who_knows_fewer_records_still_meets_the_holder(tmp_path, clock):
    assert _leases(tmp_path, clock).claim(KEY, least=50).token == 50
    for least in (1, 51, 99):
        assert isinstance(_leases(tmp_path, clock).claim(KEY, least=least), Held)


def test_a_lease_that_was_released_cannot_be_renewed(tmp_path, clock):
    lease = _leases(tmp_path, clock).claim(KEY)
    lease.release(done=False)
    lease.release(done=True)  # nothing left to do
    with pytest.raises(LeaseLost, match="was released"):
        lease.renew()
    assert len(_names(tmp_path)) == 1


def test_a_holder_that_comes_back_has_lost_and_harms_nothing(tmp_path, clock):
    old = _leases(tmp_path, clock).claim(KEY)
    clock.now += TTL + SKEW_SECONDS + 1
    new = _leases(tmp_path, clock).claim(KEY)
    with pytest.raises(LeaseLost, match="with token 1 is lost"):
        old.renew()
    old.release(done=True)
    assert _renews(new)
    assert isinstance(_leases(tmp_path, clock).claim(KEY), Held)
    new.release(done=True)
    assert _names(tmp_path) == []


def test_a_lease_whose_file_was_removed_or_replaced_is_lost(tmp_path, clock):
    first, second = (_leases(tmp_path, clock).claim(key) for key in (KEY, OTHER))
    (tmp_path / "ab" / f"{KEY}.1").unlink()
    assert not _renews(first)
    path = tmp_path / "cd" / f"{OTHER}.1"
    path.unlink()
    path.write_text("{}")
    assert not _renews(second)


def test_a_lease_in_front_of_which_files_were_removed_is_lost(tmp_path, clock):
    leases = _leases(tmp_path, clock)
    for _ in range(2):
        leases.claim(KEY).release(done=False)
    lease = leases.claim(KEY)
    assert _renews(lease)
    (tmp_path / "ab" / f"{KEY}.1").unlink()  # where the next one to ask would begin again
    assert not _renews(lease)


def test_what_is_left_of_a_chain_that_was_being_removed_blocks_nobody(tmp_path, clock):
    leases = _leases(tmp_path, clock)
    for _ in range(4):
        leases.claim(KEY).release(done=False)
    for number in (1, 2):  # where its remover was killed
        (tmp_path / "ab" / f"{KEY}.{number}").unlink()
    first = leases.claim(KEY, least=5)
    clock.now += 1000
    second = leases.claim(KEY, least=5)
    assert (second.token, second.generation) == (7, 5)
    assert not _renews(first)
    second.release(done=True)
    assert _names(tmp_path) == []
