"""Waiting for what another thread or process does."""

import time


def until(condition, seconds=60.0):
    """What the condition says once it says something; it comes without fail."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
    return found
