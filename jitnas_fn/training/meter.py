"""What a training cost: seconds, bytes, joules."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from jitnas_fn.core.codec import Json

WATTS_PER_CORE = 10  # a busy core of a server: 150 to 300 W for 16 to 32 cores, memory included
ESTIMATED = f"estimated: {WATTS_PER_CORE} W per busy core"
COUNTED = "measured: NVML energy counter of the whole board"
MIXED = f"estimated in part: one attempt {ESTIMATED}, another {COUNTED}"


class Meter:
    """Runs from its making. `training` and `evaluation` are contexts that say what the seconds inside were for.

    Parameters
    ----------
    device
        Where the network is; its peak memory and, with NVML, its energy are read.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._seconds = {"train": 0.0, "evaluation": 0.0}
        self._began, self._processor_began = time.perf_counter(), time.process_time()
        self._joules_began = _board_joules(device)
        self._earlier: Json = {"attempts": 0}
        _forget_peak(device)

    def go_on_from(self, cost: Json) -> None:
        """Count from what earlier attempts at the same training had cost when they were last kept, as `cost` told it."""
        self._earlier = cost

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """The seconds inside were training."""
        yield from self._count("train")

    @contextlib.contextmanager
    def evaluation(self) -> Iterator[None]:
        """The seconds inside were evaluation."""
        yield from self._count("evaluation")

    def _count(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] += time.perf_counter() - began

    def cost(self) -> Json:
        """The `cost` of a record: of this attempt, and of those that it goes on from."""
        joules = _board_joules(self.device)
        if joules is not None and self._joules_began is not None:
            used, method = joules - self._joules_began, COUNTED
        else:
            used, method = WATTS_PER_CORE * (time.process_time() - self._processor_began), ESTIMATED
        before, peaks = self._earlier, (self._earlier.get("peak_bytes"), peak_bytes(self.device))
        return {
            "train_seconds": round(before.get("train_seconds", 0) + self._seconds["train"], 6),
            "evaluation_seconds": round(before.get("evaluation_seconds", 0) + self._seconds["evaluation"], 6),
            "wall_seconds": round(before.get("wall_seconds", 0) + time.perf_counter() - self._began, 6),
            "joules": round(before.get("joules", 0) + used, 3),
            "joules_method": method if before.get("joules_method", method) == method else MIXED,
            "peak_bytes": max((peak for peak in peaks if peak is not None), default=None),
            "attempts": before["attempts"] + 1,
        }


def peak_bytes(device: torch.device) -> int | None:
    """Most memory in use since the last meter was made: of the GPU, else of this process; None where nothing tells."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    with contextlib.suppress(OSError, IndexError, ValueError):  # Linux: the only peak that can be reset
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return None


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets the high-water mark


def _board_joules(device: torch.device) -> float | None:
    if device.type != "cuda":
        return None
    try:
        import pynvml  # type: ignore[import-not-found]

        pynvml.nvmlInit()
        board = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(board)) / 1000
    except Exception:  # noqa: BLE001  any failure of NVML (none here, no permission, a slice of a board) leaves the estimate
        return None
