"""Many claim at once, in threads and processes and in every order of their looks at the disk: one wins."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jitnas_fn.stores import leases as module
from jitnas_fn.stores._lease import GIVEN_UP_NS
from jitnas_fn.stores._lease_files import Chain
from jitnas_fn.stores.leases import Held, Lease, Leases
from tests.stores.leases.nodes import KEY, Clock, _leases

ROOT = Path(__file__).resolve().parents[3]


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


def test_a_lease_that_is_given_up_while_it_is_looked_at_shows_its_token_or_is_still_held(tmp_path, monkeypatch):
    """Made, and not yet filled, when its content is read; filled and given up when its time is."""
    chain, read = Chain(tmp_path, KEY), os.read
    descriptor = chain.create(1)

    def read_before_the_end(source, size):
        content = read(source, size)
        chain.write(1, descriptor, b'{"token":7}')
        chain.beat(1, descriptor, GIVEN_UP_NS)
        return content

    monkeypatch.setattr(os, "read", read_before_the_end)
    sight = chain.look(1)
    monkeypatch.undo()
    assert sight.beat_ns != GIVEN_UP_NS
    assert (chain.look(1).beat_ns, chain.look(1).token) == (GIVEN_UP_NS, 7)
    os.close(descriptor)


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
