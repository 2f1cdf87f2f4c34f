"""The machine as a training meets it: its device, its memory, and what a record says of it. Only a child imports this."""

import contextlib
import os
import platform
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import torch

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import SiteUnavailable
from jitnas_fn.worker.versions import version

DETERMINISM = "torch deterministic algorithms; no TF32, no benchmarking"
# What allocators say when there is no more memory: PyTorch's CPU allocator, the C++ library, oneDNN.
EXHAUSTED = ("can't allocate memory", "not enough memory", "bad_alloc", "Cannot allocate memory", "could not create a memory")

# oneDNN's word for it when even its code generator finds none; without a bound it means other things.
EXHAUSTED_UNDER_A_BOUND = ("could not create a primitive",)


def prepare(threads: int) -> None:
    """Make training in this process repeatable, on `threads` processor threads."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of settings for hardware that is not here
        torch.use_deterministic_algorithms(mode=True, warn_only=True)  # some GPU operations have no such form
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    torch.ones(1 << 16).sqrt().sum().item()  # starts the threads now: under a memory limit they might not start any more


def device_of(wanted: str) -> torch.device:
    """The device that a site's `device` means here."""
    found = torch.cuda.is_available() and wanted != "cpu"
    if wanted == "cuda" and not found:
        raise SiteUnavailable("this site is set to train on a GPU, and PyTorch finds none")
    return torch.device("cuda" if found else "cpu")


def environment(device: torch.device) -> Json:
    """What a record says of the machine. No user name, host name or path."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "determinism": DETERMINISM,
        "versions": {
            "jitnas_fn": version("jitnas_fn"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "platform": f"{sys.platform}-{platform.machine()}",
    }


@contextlib.contextmanager
def memory_bound(memory_bytes: int | None, device: torch.device) -> Iterator[None]:
    """Inside, more than `memory_bytes` cannot be allocated: of the GPU if the device is one, else by this process.

    Where the system has no such bound for a process (Windows; macOS ignores it), there is none.
    """
    if memory_bytes is None:
        yield
    elif device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory_bytes / total), device)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
    elif os.name != "posix":
        yield
    else:
        import resource

        before = resource.getrlimit(resource.RLIMIT_DATA)
        ceiling = memory_bytes if before[1] == resource.RLIM_INFINITY else min(memory_bytes, before[1])
        resource.setrlimit(resource.RLIMIT_DATA, (ceiling, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)


def total_memory(device: torch.device) -> int | None:
    """Memory of a GPU, None for any other device. [bytes]."""
    return int(torch.cuda.get_device_properties(device).total_memory) if device.type == "cuda" else None


def is_out_of_memory(error: BaseException | None, *, bounded: bool) -> bool:
    """Whether `error`, or what caused it, is an allocation that failed; `bounded` if a memory limit was set."""
    words = EXHAUSTED + EXHAUSTED_UNDER_A_BOUND if bounded else EXHAUSTED
    while error is not None:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            return True
        if isinstance(error, (RuntimeError, OSError)) and any(word in str(error) for word in words):
            return True
        error = error.__cause__ or error.__context__
    return False
