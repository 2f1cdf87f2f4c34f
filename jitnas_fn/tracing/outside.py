"""While a model is traced nothing is computed, but here: what the trace itself has to know of real tensors."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils._python_dispatch import _disable_current_modes


@contextmanager
def outside_the_trace() -> Iterator[None]:
    """Let torch compute as if nothing were traced."""
    with _disable_current_modes():
        yield
