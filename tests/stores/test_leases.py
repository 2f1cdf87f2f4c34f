"""One holder at a time, whatever the clocks say within their bounds and whatever lies in the folder."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jitnas_fn.core.errors import LeaseLost, StoreError, TaskError
from jitnas_fn.stores import leases as module
from jitnas_fn.stores._lease_files import Chain
from jitnas_fn.stores.leases import COMPACTION, SKEW_SECONDS, Held, Lease, Leases

KEY, OTHER = "ab" * 32, "cd" * 32
NOON = 1_800_000_000.0
TTL = 60.0
ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """The true time, which a test sets."""

    def __init__(self):
        self.now = NOON

    def ahead(self, seconds):
        """A node's clock."""
        return lambda: self.now + seconds


@pytest.fixture
def clock():
    return Clock()


def _leases(folder, clock, ahead=0.0, **more):
    return Leases(folder, clock=clock.ahead(ahead), ttl_seconds=TTL, **more)


def _names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def _renews(lease):
    try:
        lease.renew()
    except LeaseLost:
        return False
    return True


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


@pytest.mark.parametrize(
    "key",
    ["", "../../x", "ab/cd", "ab" * 31, "AB" * 32, KEY + "\0", KEY + ".1", KEY + "\n", None, 5, b"ab" * 32, "compaction.1"],
)
def test_what_is_no_key_is_refused(tmp_path, clock, key):
    with pytest.raises(TaskError, match="a lease is on a key"):
        _leases(tmp_path, clock).claim(key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("least", [0, -1, True, 1.0, "1", None, 1 << 62, 10**4000])
def test_what_is_no_token_is_refused(tmp_path, clock, least):
    with pytest.raises(TaskError, match="a token is a whole number"):
        _leases(tmp_path, clock).claim(KEY, least=least)


def _link(path, target):
    path.symlink_to(target)


@pytest.mark.parametrize(
    "plant",
    [
        lambda folder, outside: _link(folder / "ab", outside),
        lambda folder, outside: ((folder / "ab").mkdir(), _link(folder / "ab" / f"{KEY}.1", outside / "made")),
        lambda folder, outside: ((folder / "ab").mkdir(), _link(folder / "ab" / f"{KEY}.1", outside / "there")),
        lambda folder, outside: (folder / "ab" / f"{KEY}.1").mkdir(parents=True),
        lambda folder, outside: ((folder / "ab").mkdir(), os.mkfifo(folder / "ab" / f"{KEY}.1")),
        lambda folder, outside: (folder / "ab").write_text("a file"),
    ],
    ids=["linked folder", "dangling link", "link", "folder", "pipe", "file for a folder"],
)
def test_what_was_planted_is_refused_and_nothing_outside_is_touched(tmp_path, clock, plant):
    folder, outside = tmp_path / "leases", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "there").write_text("precious")
    before = (outside / "there").stat()
    plant(folder, outside)
    with pytest.raises(StoreError, match=r"symbolic link|no plain file"):
        _leases(folder, clock).claim(KEY)
    assert [path.name for path in outside.iterdir()] == ["there"]
    assert (outside / "there").read_text() == "precious"
    assert (outside / "there").stat().st_mtime_ns == before.st_mtime_ns


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, clock):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made|cannot be read"):
        _leases(tmp_path / "file" / "leases", clock).claim(KEY)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user reads everything")
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, clock):
    _leases(tmp_path, clock).claim(KEY)
    (tmp_path / "ab" / f"{KEY}.1").chmod(0)
    with pytest.raises(StoreError, match="cannot be read"):
        _leases(tmp_path, clock).claim(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 2_000_000,
        b"[" * 10_000,
        b"[1]",
        b'{"token":-5,"site":7,"pid":"x","host":null}',
        b'{"token":1e99}',
        b'{"token":%d}' % (10**90),
        b'{"token":true,"since":[]}',
        b"\xff\xfe",
    ],
)
def test_a_lease_with_any_content_is_held_and_goes_stale(tmp_path, clock, content):
    path = tmp_path / "ab" / f"{KEY}.1"
    path.parent.mkdir()
    path.write_bytes(content)
    os.utime(path, (clock.now, clock.now))
    assert _leases(tmp_path, clock).claim(KEY) == Held(0, 0.0, {})
    clock.now += 1000
    assert _leases(tmp_path, clock).claim(KEY).token == 1


@pytest.mark.parametrize("site", ['"' * 500, "\\" * 500, "\0" * 500, "é𝄞" * 300])
def test_the_token_is_readable_whatever_the_site_is_called(tmp_path, clock, site):
    _leases(tmp_path, clock, site=site).claim(KEY, least=12)
    assert json.loads((tmp_path / "ab" / f"{KEY}.1").read_text())["token"] == 12


def test_whoever_may_use_the_folder_may_claim_whatever_the_umask(tmp_path, clock):
    tmp_path.chmod(0o2775)
    before = os.umask(0o077)
    try:
        _leases(tmp_path / "leases", clock).claim(KEY)
    finally:
        os.umask(before)
    modes = [(tmp_path / "leases" / rest).stat().st_mode & 0o7777 for rest in ("", "ab", f"ab/{KEY}.1")]
    assert modes == [0o2775, 0o2775, 0o664]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, clock, monkeypatch):
    def full(descriptor, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jitnas_fn.stores._lease_files.write_all", full)
    with pytest.raises(StoreError, match="cannot be written .No space left"):
        _leases(tmp_path, clock).claim(KEY)
    assert _names(tmp_path) == []


def test_without_descriptors_of_folders_it_works_by_path(tmp_path, clock, monkeypatch):
    for name in ("BY_DESCRIPTOR", "TIMES_BY_DESCRIPTOR"):
        monkeypatch.setattr(f"jitnas_fn.stores._lease_files.{name}", False)
    leases = _leases(tmp_path, clock)
    first = leases.claim(KEY)
    assert isinstance(leases.claim(KEY), Held)
    assert _renews(first)
    clock.now += 1000
    second = leases.claim(KEY)
    assert not _renews(first)
    second.release(done=True)
    assert _names(tmp_path) == []
    (tmp_path / "cd").symlink_to(tmp_path / "ab")
    with pytest.raises(StoreError, match="symbolic link"):
        leases.claim(OTHER)


def test_two_hundred_threads_claim_and_one_wins_each_generation(tmp_path):
    start, won = threading.Barrier(200), []

    def work():
        start.wait()
        for _ in range(5):
            lease = Leases(tmp_path).claim(KEY)
            if isinstance(lease, Lease):
                won.append((lease.generation, lease.token))
                lease.release(done=False)

    threads = [threading.Thread(target=work) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [(number, number) for number in range(1, len(won) + 1)]


RACING = """
import sys, time
from pathlib import Path
from jitnas_fn.stores.leases import Lease, Leases
folder, begin = Path(sys.argv[1]), float(sys.argv[2])
while time.time() < begin:
    pass
for number in range(100):
    lease = Leases(folder).claim(f"{number:064x}")
    if isinstance(lease, Lease):
        print(number)
"""


def test_processes_that_claim_a_hundred_keys_at_once_get_each_once(tmp_path):
    command = [sys.executable, "-c", RACING, str(tmp_path), str(time.time() + 2)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(8)]
    won = [int(line) for racer in racers for line in racer.communicate(timeout=60)[0].split()]
    assert sorted(won) == list(range(100))
    assert {racer.returncode for racer in racers} == {0}


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


@given(silent=st.lists(st.floats(0, TTL), max_size=12), ahead=st.floats(-SKEW_SECONDS, SKEW_SECONDS))
def test_whoever_beats_within_the_ttl_keeps_the_lease(tmp_path_factory, silent, ahead):
    folder, clock = tmp_path_factory.mktemp("leases"), Clock()
    lease, observer = _leases(folder, clock).claim(KEY), _leases(folder, clock, ahead)
    for seconds in silent:
        clock.now += seconds
        assert isinstance(observer.claim(KEY), Held)
        lease.renew()
    lease.close()


class Stage:
    """Lets one thread at a time go from one look at the disk to the next, in the order that a test chooses."""

    def __init__(self):
        self.go = {}
        self.reached = threading.Semaphore(0)
        self.over = set()

    def step(self):
        go = self.go.get(threading.current_thread().name)
        if go is not None:
            self.reached.release()
            go.acquire()

    def play(self, actors, turns, check):
        """Each of `turns` is (which of those that are not done, how many steps); at the end all go on in turn."""
        threads = {name: threading.Thread(target=self._act, args=(work,), name=name) for name, work in actors.items()}
        for name, thread in threads.items():
            self.go[name] = threading.Semaphore(0)
            thread.start()
            self.reached.acquire()
        choices = iter([who for who, steps in turns for _ in range(steps)])
        while waiting := [name for name in threads if name not in self.over]:
            self.go[waiting[next(choices, 0) % len(waiting)]].release()
            self.reached.acquire()
            check()
        for thread in threads.values():
            thread.join()

    def _act(self, work):
        self.step()
        try:
            work()
        finally:
            self.over.add(threading.current_thread().name)
            self.reached.release()


@settings(max_examples=300)
@given(
    before=st.integers(0, 3),
    scripts=st.lists(st.sampled_from(["hold", "done", "give up", "done twice"]), min_size=2, max_size=4),
    turns=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 1, 2, 3, 5, 8, 13, 21])), max_size=40),
)
@example(0, ["hold", "done twice"], [(3, 3), (1, 8)])
@example(1, ["hold", "done twice", "done"], [(1, 2), (0, 1), (0, 1), (1, 3), (1, 21), (1, 11)])
def test_in_whatever_order_the_disk_is_reached_two_never_hold(tmp_path_factory, before, scripts, turns):
    folder, clock, stage, holding = tmp_path_factory.mktemp("leases"), Clock(), Stage(), {}
    clock.now = time.time()  # as the disk's, which stamps a new file

    class Stepping(Chain):
        pass

    def stepping(name):
        plain = getattr(Chain, name)

        def method(self, *arguments):
            stage.step()
            return plain(self, *arguments)

        return method

    for name in ("create", "write", "beat", "leads_to", "has", "look", "remove"):
        setattr(Stepping, name, stepping(name))

    def actor(name, script):
        def work():
            for _ in range(2 if script == "done twice" else 1):
                lease = _leases(folder, clock).claim(KEY)
                if not isinstance(lease, Lease):
                    return
                holding[name] = lease
                stage.step()
                if script != "hold":
                    del holding[name]
                    lease.release(done=script != "give up")

        return work

    def check():
        assert sum(lease.holds() for lease in list(holding.values())) <= 1

    for _ in range(before):  # a chain of those who gave up
        _leases(folder, clock).claim(KEY).release(done=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Chain", Stepping)
        stage.play({f"actor {n}": actor(n, script) for n, script in enumerate(scripts)}, turns, check)
    assert all(lease.holds() for lease in holding.values())  # nobody lost what nobody took
    assert isinstance(_leases(folder, clock).claim(KEY), Held if holding else Lease)
    for lease in holding.values():
        lease.close()
