"""While a model is traced, what would escape the trace is refused in its thread, and as ever in all others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks

from jitnas_fn.tracing.refusal import refuse

RANDOM = "randomness may not be rewound or shape the graph: use dropout layers"
SWITCH = "leave torch's switches to the caller"
# (where it lives, its name, what to do instead)
FORBIDDEN: list[tuple[Any, str, str]] = [
    *[(torch, name, RANDOM) for name in ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state")],
    *[(torch.random, name, RANDOM) for name in ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state")],
    (torch.random, "fork_rng", RANDOM),
    (torch, "is_inference_mode_enabled", SWITCH),
    (torch.autocast, "__enter__", "precision belongs to the recipe: leave autocast out"),
    (saved_tensors_hooks, "__enter__", "leave saved tensors alone; checkpointing is not known so far"),
    (torch.autograd.Function, "apply", "the backward of a custom autograd function cannot be read: use torch's operations"),
]


@contextmanager
def guarded() -> Iterator[None]:
    """Refuse the `FORBIDDEN` in this thread."""
    mine = threading.get_ident()
    originals = [(home, name, home.__dict__[name]) for home, name, _ in FORBIDDEN]
    try:
        for home, name, instead in FORBIDDEN:
            setattr(home, name, _refusing(home, name, instead, mine))
        yield
    finally:
        for home, name, original in originals:
            setattr(home, name, original)


def _refusing(home: Any, name: str, instead: str, thread: int) -> Any:
    original = home.__dict__[name]
    called: Callable[..., Any] = original.__func__ if isinstance(original, classmethod) else original

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == thread:
            owner = args[0] if isinstance(original, classmethod) else home
            refuse(f"{owner.__name__}.{name} is called", instead)
        return called(*args, **kwargs)

    return classmethod(forbidden) if isinstance(original, classmethod) else forbidden
