"""The global random generators: a question draws nothing from anybody, and a forward that draws from them is refused."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch

from jitnas_fn.tracing.refusal import refusal

LOOKS = 5  # before a forward is said to draw: the generators are not per thread, and another thread may have drawn
States = tuple[Any, Any, bytes]
P = ParamSpec("P")
T = TypeVar("T")


def drawing_nothing(look: Callable[P, T]) -> Callable[P, T]:
    """What `look` gives if none of the generators moved meanwhile; a forward moves them each time, another thread does not.

    What another thread draws stays drawn. What a forward draws is put back.

    Raises
    ------
    UnsupportedModel
        If they moved in each of `LOOKS` looks.
    """

    @wraps(look)
    def looked(*args: P.args, **kwargs: P.kwargs) -> T:
        first = states()
        for _ in range(LOOKS):
            before = states()
            try:
                found = look(*args, **kwargs)
            except BaseException:
                _rewind(before)
                raise
            if states() == before:
                return found
        _rewind(first)
        raise refusal(
            "forward draws random numbers outside of torch's layers", "use dropout layers; randomness may not shape the graph"
        )

    return looked


@contextmanager
def same_randomness() -> Iterator[None]:
    """Put the generators back where they were, whatever is drawn."""
    before = states()
    try:
        yield
    finally:
        _rewind(before)


def states() -> States:
    """Of Python's, NumPy's and torch's global generators."""
    numpy_random = sys.modules.get("numpy.random")
    numpy_state = numpy_random.get_state() if numpy_random else None
    comparable = None if numpy_state is None else (numpy_state[0], numpy_state[1].tobytes(), *numpy_state[2:])
    return random.getstate(), comparable, torch.default_generator.get_state().numpy().tobytes()


def _rewind(before: States) -> None:
    if before == states():
        return
    python, numpy_state, torch_state = before
    random.setstate(python)
    if numpy_state is not None:
        name, keys, *rest = numpy_state
        np.random.set_state((name, np.frombuffer(keys, dtype=np.uint32), *rest))
    torch.default_generator.set_state(torch.from_numpy(np.frombuffer(torch_state, dtype=np.uint8).copy()))
