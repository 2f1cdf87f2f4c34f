"""Python's garbage collector, paused."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the garbage collector while much is made and little thrown away.

    Each of its rounds walks all that is alive: what torch has loaded for a tenth of a second, 10,000 records for as long as it
    took to read a fifth of them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
