"""While a model is traced, what would escape the trace is refused in its thread, and as ever in all others."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils import checkpoint as checkpointing

from jitnas_fn.tracing.refusal import refuse

CHECKPOINTS: list[Any] = []  # the functions that run under a checkpoint now, in the thread that traces
COMPILER_LOADED = "__dynamo_disable"  # where torch keeps what its compiler makes of a function
RANDOM = "randomness may not be rewound or shape the graph: use dropout layers"
SWITCH = "leave torch's switches to the caller"
# (where it lives, its name, what to do instead)
FORBIDDEN: list[tuple[Any, str, str]] = [
    *[(torch, name, RANDOM) for name in ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state")],
    *[(torch.random, name, RANDOM) for name in ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state")],
    (torch.random, "fork_rng", RANDOM),
    (torch, "is_inference_mode_enabled", SWITCH),
    (torch, "is_grad_enabled", SWITCH),
    (torch.autocast, "__enter__", "precision belongs to the recipe: leave autocast out"),
    (saved_tensors_hooks, "__enter__", "leave saved tensors alone; activation checkpointing needs use_reentrant=False"),
    (torch.autograd.Function, "apply", "the backward of a custom autograd function cannot be read: use torch's operations"),
]


ASKED_BY_TORCH = ("is_grad_enabled",)


def _called_by_torch() -> bool:
    """Whether the question comes from torch itself, or from the trace."""
    module = str(sys._getframe(2).f_globals.get("__name__", ""))
    return module == "torch" or module.startswith(("torch.", "jitnas_fn."))


@contextmanager
def guarded() -> Iterator[None]:
    """Refuse the `FORBIDDEN` in this thread; checkpointing, which changes no number, does not happen."""
    mine = threading.get_ident()
    originals = [(home, name, home.__dict__[name]) for home, name, _ in FORBIDDEN]
    try:
        for home, name, instead in FORBIDDEN:
            setattr(home, name, _refusing(home, name, instead, mine))
        with without_shortcuts():
            yield
    finally:
        for home, name, original in originals:
            setattr(home, name, original)


def _refusing(home: Any, name: str, instead: str, thread: int) -> Any:
    original = home.__dict__[name]
    called: Callable[..., Any] = original.__func__ if isinstance(original, classmethod) else original

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == thread and not (name in ASKED_BY_TORCH and _called_by_torch()):
            owner = args[0] if isinstance(original, classmethod) else home
            refuse(f"{owner.__name__}.{name} is called", instead)
        return called(*args, **kwargs)

    return classmethod(forbidden) if isinstance(original, classmethod) else forbidden


@contextmanager
def without_shortcuts() -> Iterator[None]:
    """Let what changes no number but how it is computed not happen: checkpoints (in this thread), fused attention."""
    mine, original = threading.get_ident(), checkpointing._checkpoint_without_reentrant_generator
    fused = torch.backends.mha.get_fastpath_enabled()

    def called(fn: Any, preserve_rng_state: bool = True, context_fn: Any = None, *args: Any, **named: Any) -> Iterator[None]:
        if threading.get_ident() != mine:
            yield from original(fn, preserve_rng_state, context_fn, *args, **named)
            return
        if not preserve_rng_state or context_fn is not checkpointing.noop_context_fn:
            refuse("a checkpoint that redraws random numbers or runs in contexts of its own", "use it with its defaults")
        CHECKPOINTS.append(fn)
        try:
            yield
        finally:
            CHECKPOINTS.pop()

    inner = getattr(checkpointing.checkpoint, "__wrapped__", None)
    loads_compiler = inner is not None and not hasattr(inner, COMPILER_LOADED)
    if loads_compiler:  # at its first call torch would load its compiler: a second or two, and a draw of random numbers
        setattr(inner, COMPILER_LOADED, inner)
    checkpointing._checkpoint_without_reentrant_generator = called
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        checkpointing._checkpoint_without_reentrant_generator = original
        if loads_compiler:
            delattr(inner, COMPILER_LOADED)
