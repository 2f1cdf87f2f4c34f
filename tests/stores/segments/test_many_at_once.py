"""Many writers, readers and compactors at once, killed and stopped: nothing is lost, torn or seen twice."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.stores.segments import SegmentStore
from tests.samples import fixed, ids
from tests.stores.shared import compacted

APPENDING = Path(__file__).parents[1] / "appending.py"


def started(folder, first, count):
    command = [sys.executable, APPENDING, folder, str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sixteen_writers_while_readers_and_the_compactor_run(folder):
    """16 × 1,000 records: all kept, none twice, none torn, and no reader ever sees a gap or a record twice."""
    writers = [started(folder, 1000 * number, 1000) for number in range(16)]
    reader, cursor, seen, most = SegmentStore(folder), {}, [], 0
    while any(writer.poll() is None for writer in writers):
        entries, cursor = reader.since(cursor)
        seen += [entry.body["record"]["record_id"] for entry in entries]
        assert len(reader) >= most, "records vanished"
        most = len(reader)
        SegmentStore(folder).compact(idle_seconds=0.2, keep_seconds=2)
    seen += [entry.body["record"]["record_id"] for entry in reader.since(cursor)[0]]
    assert all(writer.wait() == 0 for writer in writers)
    assert sorted(set(seen)) == sorted(fixed(number).record_id for number in range(16_000)) == ids(SegmentStore(folder))
    assert len(seen) == 16_000


@pytest.mark.timeout(300)
def test_readers_follow_while_two_compactors_run_without_a_pause(folder):
    """At the same moment, in processes of their own: no reader sees a gap, or a line twice, or a record vanish."""
    writers = [started(folder, 1000 * number, 300) for number in range(4)]
    compactors = []
    try:
        for _ in range(2):
            child = os.fork()
            if child == 0:
                try:
                    while True:
                        SegmentStore(folder).compact(idle_seconds=0.05, keep_seconds=1)
                finally:
                    os._exit(1)
            compactors.append(child)
        reader, cursor, seen, most = SegmentStore(folder), {}, [], 0
        while any(writer.poll() is None for writer in writers):
            entries, cursor = reader.since(cursor)
            seen += [entry.body["record"]["record_id"] for entry in entries]
            there = len(SegmentStore(folder))
            assert there >= most
            most = there
        seen += [entry.body["record"]["record_id"] for entry in reader.since(cursor)[0]]
    finally:
        for child in compactors:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert all(writer.wait() == 0 for writer in writers)
    expected = sorted(fixed(1000 * writer + number).record_id for writer in range(4) for number in range(300))
    assert sorted(set(seen)) == expected == ids(SegmentStore(folder))
    assert len(seen) - len(set(seen)) <= 5  # a line that a writer had to write again, since its segment was taken meanwhile


class Forked:
    """A child that appends until it is killed, and a pipe on which it says the number of each record once it is kept."""

    def __init__(self, folder, first):
        self.reading, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                store = SegmentStore(folder)
                for number in itertools.count(first):
                    store.put(fixed(number))
                    os.write(writing, b"%d\n" % number)
            finally:
                os._exit(1)  # or it would go on with the tests
        os.close(writing)

    def killed_after(self, seconds):
        """Kill it so long after it has begun; the numbers that it said."""
        told = os.read(self.reading, 1)
        time.sleep(seconds)
        self.kill()
        with os.fdopen(self.reading, "rb") as pipe:
            return [int(number) for number in (told + pipe.read()).split(b"\n")[:-1]]

    def kill(self):
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        self.child = 0


@pytest.mark.timeout(300)
def test_what_was_acknowledged_survives_200_kills_at_random_moments(folder):
    draw, kept = random.Random(7), []
    for round_ in range(50):
        children = [Forked(folder, 100_000 * (4 * round_ + number)) for number in range(4)]
        try:
            for child in children:
                kept += child.killed_after(draw.random() * 0.02)
        finally:
            for child in children:
                child.kill()
        if round_ % 10 == 9:
            compacted(SegmentStore(folder))
    assert len(kept) > 200
    assert {fixed(number).record_id for number in kept} <= set(ids(SegmentStore(folder)))


@pytest.mark.timeout(300)
def test_writers_that_are_stopped_while_their_segments_are_merged_lose_nothing(folder):
    draw, writers, store = random.Random(3), [], SegmentStore(folder)
    writers = [started(folder, 1000 * number, 150) for number in range(4)]
    while any(writer.poll() is None for writer in writers):
        writer = draw.choice(writers)
        if writer.poll() is None:
            os.kill(writer.pid, signal.SIGSTOP)
            time.sleep(0.02)
            store.compact(idle_seconds=-1, keep_seconds=0.5)
            os.kill(writer.pid, signal.SIGCONT)
            time.sleep(draw.random() * 0.03)
    expected = sorted(fixed(1000 * writer + number).record_id for writer in range(4) for number in range(150))
    assert ids(store) == ids(SegmentStore(folder)) == expected
