"""SIGTERM: the scheduler, or somebody, wants this process to end soon. What is under way is handed back first."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

HANDING_BACK_SECONDS = 2.0  # after it, what was there before handles the signal
MEMORY_SECONDS = 120.0  # whoever lives on that long was not meant

_told: list[float] = []  # the time of the last signal, by this process's own clock


def seconds_since() -> float | None:
    """How long ago this process was told to end; None if it was not [s]."""
    since = time.monotonic() - _told[0] if _told else None
    return since if since is not None and since < MEMORY_SECONDS else None


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Inside, SIGTERM is only heard, so that there is time to stop and answer. It is delivered again shortly after.

    That is so in the main thread; in any other, and where a handler is installed that is not Python's, nothing changes.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    came = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        _told[:] = _told[:1] if seconds_since() is not None else [time.monotonic()]

    signal.signal(signal.SIGTERM, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if came and before is not signal.SIG_IGN:
            again = threading.Timer(HANDING_BACK_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
            again.daemon = True
            again.start()
