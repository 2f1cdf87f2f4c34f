"""Stores in a forked child: neither the parent's locks nor what its threads were doing may stand in the way."""

import os
import signal
import threading
import time
import warnings

import pytest

from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed

STORES = {
    "tinydb": lambda folder: TinyStore(folder / "cache.jsonl"),
    "segments": lambda folder: SegmentStore(folder / "shared"),
}
GOES_WELL_SECONDS, MOST = 20, 300

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")


@pytest.fixture(params=STORES)
def opened(request, tmp_path):
    return lambda: STORES[request.param](tmp_path)


def forked(work):
    """Whether `work` went well in a child; it is killed where it hangs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that other threads run
        child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(GOES_WELL_SECONDS)
            work()
            code = 0
        finally:
            os._exit(code)  # or it would go on with the tests
    return os.waitpid(child, 0)[1] == 0


class Putting:
    """A thread that puts one record after another, with numbers from 1, and then only asks."""

    def __init__(self, store):
        self.put, self._store, self._done = 0, store, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self):
        while not self._done.is_set():
            if self.put < MOST:
                self._store.put(fixed(self.put + 1))
                self.put += 1
            self._store.record_ids()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *trouble):
        self._done.set()
        self._thread.join()


def test_parent_and_child_both_go_on(opened):
    store = opened()
    store.put(fixed(0))

    def work():
        assert store.get(fixed(0).key) == fixed(0)
        store.put(fixed(1))
        assert len(store) == 2

    assert forked(work)
    store.put(fixed(2))
    assert len(store) == len(opened()) == 3
    assert forked(lambda: store.put(fixed(3)))
    assert len(store) == 4


def test_a_childs_child_goes_on(opened):
    store = opened()
    store.put(fixed(0))

    def work():
        store.put(fixed(1))
        assert forked(lambda: store.put(fixed(2)))
        store.put(fixed(3))

    assert forked(work)
    assert len(store) == 4


def test_a_child_goes_on_whatever_another_thread_was_doing(opened):
    store, children = opened(), range(10**6, 10**6 + 20)
    store.put(fixed(0))
    with Putting(store) as putting:
        for number in children:
            time.sleep(0.01)
            before = putting.put

            def work(number=number, before=before):
                assert all(store.get(fixed(known).key) for known in (0, before // 2, before))
                store.put(fixed(number))
                assert store.get(fixed(number).key) == fixed(number)
                assert {record.record_id for record in store.records()} >= {fixed(0).record_id, fixed(number).record_id}
                assert len(store) > before

            assert forked(work)
    assert putting.put
    kept = {record.record_id for record in store.records()}
    assert kept == {fixed(number).record_id for number in (*range(putting.put + 1), *children)}


def test_what_another_thread_left_half_changed_is_begun_again(opened, monkeypatch):
    """The lines were written and not yet indexed when the child was made: it reads them again."""
    store, at_it, go_on = opened(), threading.Event(), threading.Event()
    store.put(fixed(0))
    from jitnas_fn.stores._file_store import FileStore

    took = FileStore._took

    def slow(self, numbers, lines):
        if threading.current_thread() is thread:
            at_it.set()
            go_on.wait(GOES_WELL_SECONDS)
        took(self, numbers, lines)

    monkeypatch.setattr(FileStore, "_took", slow)
    thread = threading.Thread(target=store.put, args=(fixed(1),))
    thread.start()
    at_it.wait(GOES_WELL_SECONDS)

    def work():
        assert store.get(fixed(0).key) == fixed(0)
        assert store.get(fixed(1).key) == fixed(1)

    try:
        assert forked(work)
    finally:
        go_on.set()
        thread.join()
    assert store.get(fixed(1).key) == fixed(1)


def test_a_child_leaves_the_parents_lock_alone(tmp_path):
    """While a thread of the parent writes, a child that was forked waits until it is done."""
    store = TinyStore(tmp_path / "cache.jsonl", lock_timeout_seconds=0.3)
    store.put(fixed(0))
    at_it, go_on = threading.Event(), threading.Event()

    def hold():
        with store._file.held():
            at_it.set()
            go_on.wait(GOES_WELL_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    at_it.wait(GOES_WELL_SECONDS)

    def refused():
        with pytest.raises(OSError, match="another process has been writing"):
            store.put(fixed(1))

    try:
        assert forked(refused)
        assert forked(refused)
    finally:
        go_on.set()
        thread.join()
    assert forked(lambda: store.put(fixed(1)))
    assert len(store) == 2


def test_a_store_in_memory_goes_on(tmp_path):
    store, held, go_on = MemoryStore(), threading.Event(), threading.Event()
    store.put(fixed(0))

    def hold():
        with store._mutex:
            held.set()
            go_on.wait(GOES_WELL_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(GOES_WELL_SECONDS)

    def work():
        store.put(fixed(1))
        assert len(store) == 2

    try:
        assert forked(work)
    finally:
        go_on.set()
        thread.join()
