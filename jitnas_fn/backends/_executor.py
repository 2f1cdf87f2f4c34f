"""Parsl's executor, which asks for blocks while there is hope for them. Imported only when Parsl is there."""

import contextlib
import logging
import time
from concurrent.futures import InvalidStateError
from typing import Any

from parsl.executors.errors import BadStateException
from parsl.executors.high_throughput.executor import HighThroughputExecutor
from parsl.jobs.errors import TooManyJobFailuresError
from parsl.jobs.states import JobState, JobStatus

from jitnas_fn.backends._providers import said_by_the_last_of

log = logging.getLogger("jitnas_fn.parsl")
FAILURES = 3  # of blocks after another, after which no more are asked for
REFUSED_SECONDS = 60.0  # between two questions to a scheduler that refuses blocks
IN_VAIN = (JobState.FAILED, JobState.MISSING)


class BlockExecutor(HighThroughputExecutor):
    """Ends all tasks only when no block is pending or running and none can be had.

    A block that is refused while there are others, by a limit on jobs per user for instance, is asked for again a minute later,
    or when there is no other any more. When the last three blocks ended without a pool that had come from them, no more are
    asked for until one has.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._ended: set[str] = set()
        self._worked: set[str] = set()
        self._in_vain = 0  # blocks after another that ended without having worked
        self._ask_again = 0.0  # on the monotonic clock [s]
        self._is_refused = False

    def scale_out_facade(self, n: int) -> list[str]:
        """Ask for `n` blocks, one after another; the first that is refused is the last one."""
        begun: list[str] = []
        while len(begun) < n and self._in_vain < FAILURES and time.monotonic() >= self._ask_again:
            one = super().scale_out_facade(1)
            if not one:
                self._go_on_or_end(self._taken_back())
                break
            self._is_refused = False
            begun += one
        return begun

    def connected_blocks(self) -> list[str]:
        """The blocks from which a pool has ever come. Parsl asks for them at each look at the jobs."""
        connected: list[str] = super().connected_blocks()
        if not self._worked.issuperset(connected):
            self._worked.update(connected)
            self._in_vain = 0
        return connected

    def handle_errors(self, status: dict[str, JobStatus]) -> None:
        """Parsl calls this every two seconds, before it may ask for blocks."""
        if self.bad_state_is_set:
            self._fail_all()  # what was on its way when the state became bad
            return
        for name in sorted(status.keys() - self._ended, key=int):
            if status[name].terminal:
                self._ended.add(name)
                self._count(name, status[name].state)
        if self._has_blocks():
            return
        self._ask_again = 0.0
        if self._in_vain >= FAILURES:
            said = said_by_the_last_of(self.provider)
            self.set_bad_state_and_fail_all(
                TooManyJobFailuresError(f"{FAILURES} jobs after another failed; the last said: {said}")
            )

    def set_bad_state_and_fail_all(self, exception: Exception) -> None:
        """End all tasks. Parsl goes through them while answers to some of them come in, and may stop half-way."""
        with contextlib.suppress(RuntimeError, InvalidStateError):
            super().set_bad_state_and_fail_all(exception)
        self._fail_all()

    def give_back(self) -> None:
        """Cancel what is left of the jobs, which Parsl leaves alone where its state is bad."""
        provider: Any = self.provider
        left = [
            job
            for job, resource in list(provider.resources.items())
            if not resource["status"].terminal and not resource.get("cancelled")
        ]
        if left and not all(provider.cancel(left)):
            log.warning("jobs could not be cancelled, and may run until their walltime: %s", ", ".join(map(str, left)))

    def _fail_all(self) -> None:
        for future in list(self.tasks.values()):
            with contextlib.suppress(InvalidStateError):
                future.set_exception(BadStateException(self, self.executor_exception))  # type: ignore[no-untyped-call]

    def _has_blocks(self) -> bool:
        return any(not one.terminal for one in self.status_facade.values())

    def _count(self, name: str, state: JobState) -> None:
        if state in IN_VAIN and name not in self._worked:
            self._in_vain += 1
            if self._in_vain == FAILURES and self._has_blocks():
                log.warning("%d jobs after another failed: no more are asked for until one works", FAILURES)
        elif state != JobState.SCALED_IN:
            self._in_vain = 0

    def _taken_back(self) -> str:
        """Why the block was refused that was asked for last; it never was one."""
        name, status = self._simulated_status.popitem()
        del self._status[name]
        return str(status.message)

    def _go_on_or_end(self, refusal: str) -> None:
        if not self._has_blocks():
            self.set_bad_state_and_fail_all(TooManyJobFailuresError(refusal))
            return
        self._ask_again = time.monotonic() + REFUSED_SECONDS
        if not self._is_refused:
            log.warning(
                "another job was refused, and is asked for every %.0f s; the others go on: %s", REFUSED_SECONDS, refusal
            )
        self._is_refused = True
