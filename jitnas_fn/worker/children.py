"""Warm child processes. Whatever a model does to its process (crash, hang, megabytes of print), this one lives on."""

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jitnas_fn
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import WorkerLost
from jitnas_fn.core.record import MAX_RECORD_BYTES

START_SECONDS = 300.0  # to import torch from a cold network file system
TAIL_BYTES = 4_000
MAX_WAITING = 1_000  # events read and not yet looked at
READ_SECONDS = 1.0  # for what a dead process still said
END_SECONDS = 5.0  # from its last word to its end
_OF_ITS_OWN: dict[str, Any] = {"process_group": 0} if hasattr(os, "killpg") else {}  # with all that a model forks


class Child:
    """One process `python -m jitnas_fn.worker.child`. Used by one thread at a time."""

    def __init__(self, threads: int) -> None:
        command = [sys.executable, "-P", "-m", "jitnas_fn.worker.child", str(threads)]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(threads), **_OF_ITS_OWN
            )
        except OSError as reason:
            raise WorkerLost(f"no training process could be started: {reason}") from None
        self._events: queue.Queue[Json | None] = queue.Queue(MAX_WAITING)
        self._tail, self._garbled, self._over = bytearray(), "", False
        self._readers = [threading.Thread(target=work, daemon=True) for work in (self._read_events, self._drain_stderr)]
        for reader in self._readers:
            reader.start()

    def wait_until_ready(self) -> None:
        """Return once the child can work; raises `WorkerLost` if it does not come up."""
        if self.next_event(START_SECONDS) is None:
            self.kill()
            raise WorkerLost(f"the training process did not start within {START_SECONDS:.0f} s")

    def send(self, order: Json) -> None:
        """Give the child something to do; raises `WorkerLost` if it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(canonical(order).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise WorkerLost(self._obituary()) from None

    def next_event(self, timeout_seconds: float) -> Json | None:
        """What the child says next; None if it says nothing within the time. Raises `WorkerLost` if it is gone."""
        try:
            event = self._events.get(timeout=timeout_seconds)
        except queue.Empty:
            self.check_lives()
            return None
        if event is None:
            raise WorkerLost(self._obituary())
        return event

    def alive(self) -> bool:
        """Whether the process runs."""
        if hasattr(os, "waitid") and self._process.returncode is None:  # what is waited for gives up its number and its group
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        return self._process.poll() is None

    def check_lives(self) -> None:
        """Raise `WorkerLost` if it is gone, and all it said is read; also where what it forked holds its pipes open."""
        if self.alive():
            return
        self._readers[0].join(READ_SECONDS)
        if self._events.empty():
            raise WorkerLost(self._obituary())

    def kill(self) -> None:
        """End the process and what it forked, at once and whatever they do."""
        self._over = True
        if _OF_ITS_OWN and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines, contextlib.suppress(OSError, ValueError):
            while line := lines.readline(MAX_RECORD_BYTES):
                try:
                    event = parse(line.decode("ascii"), max_bytes=MAX_RECORD_BYTES, error=WorkerLost, what="event")
                except (WorkerLost, UnicodeDecodeError) as reason:
                    self._garbled = f"; it wrote into the pipe that is not its own: {reason}"
                    break
                self._pass_on(event)
        self._pass_on(None)

    def _pass_on(self, event: Json | None) -> None:
        while not self._over:
            with contextlib.suppress(queue.Full):
                self._events.put(event, timeout=READ_SECONDS)
                return

    def _drain_stderr(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as pipe, contextlib.suppress(OSError, ValueError):
            while chunk := pipe.read1(65536):  # type: ignore[attr-defined]
                self._tail += chunk
                del self._tail[:-TAIL_BYTES]

    def _obituary(self) -> str:
        end = time.monotonic() + END_SECONDS
        while self.alive() and time.monotonic() < end:
            time.sleep(0.01)
        self.kill()
        self._readers[1].join(1)
        said = self._tail.decode("utf-8", "replace").strip()
        ended = f"the training process {_ending(self._process.returncode)}{self._garbled}"
        return f"{ended}; it said: {said}" if said else ended


class Children:
    """The children of this process, those that have nothing to do kept warm."""

    def __init__(self) -> None:
        self._lock, self._owner = threading.Lock(), os.getpid()
        self._idle: dict[int, list[Child]] = {}
        self._busy: set[Child] = set()

    @contextlib.contextmanager
    def borrowed(self, *, threads: int, fresh: bool) -> Iterator[Child]:
        """A child for one task. It goes back among the idle ones unless it died or an error ended the block.

        Parameters
        ----------
        threads
            Processor threads that it computes with.
        fresh
            Whether it must have run nothing before, and nothing after: for payloads that are code.
        """
        child = self._taken(threads, fresh=fresh)
        try:
            yield child
        except BaseException:
            child.kill()
            raise
        finally:
            if fresh:
                child.kill()
            with self._lock:
                self._busy.discard(child)
                if child.alive():
                    self._idle.setdefault(threads, []).append(child)

    def close(self) -> None:
        """End all of them; what they were at is lost. Children of a process that this one was forked from are left alone."""
        with self._lock:
            ended = [*self._busy, *(child for idle in self._idle.values() for child in idle)]
            self._idle.clear()
        if self._owner == os.getpid():
            for child in ended:
                child.kill()

    def _taken(self, threads: int, *, fresh: bool) -> Child:
        with self._lock:
            if self._owner != os.getpid():  # this process was forked: those children talk to its parent
                self._idle, self._busy, self._owner = {}, set(), os.getpid()
            idle = [] if fresh else self._idle.get(threads, [])
            while idle:
                child = idle.pop()
                if child.alive():
                    self._busy.add(child)
                    return child
                child.kill()
        child = Child(threads)
        with self._lock:
            self._busy.add(child)
        try:
            child.wait_until_ready()
        except BaseException:
            with self._lock:
                self._busy.discard(child)
            raise
        return child


CHILDREN = Children()
atexit.register(CHILDREN.close)


def _environment(threads: int) -> dict[str, str]:
    """Of the child: this very package, also if it runs from a folder that was never installed."""
    root = Path(jitnas_fn.__path__[0]).resolve().parent
    path = os.environ.get("PYTHONPATH", "")
    if root.name not in ("site-packages", "dist-packages"):
        path = os.pathsep.join([*path.split(os.pathsep), str(root)] if path else [str(root)])
    threads_of = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return {**os.environ, **threads_of, "PYTHONPATH": path, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def _ending(status: int | None) -> str:
    if status is None:
        return "does not answer"
    if status >= 0:
        return f"ended by itself with exit status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"
