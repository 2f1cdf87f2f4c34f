"""The process that trains: `python -m jitnas_fn.worker.child THREADS`. JSON lines in, JSON lines out.

In come orders {payload, parts, dataset, recipe, limits, device, checkpoints}, one at a time, and {"stop": true}, which halts
the training after the epoch it is in. SIGTERM means the same (Slurm sends it to every process of a job), and ends a process
that has nothing to do. So does the end of the input, a second later; while a training is being halted, it waits for that. Out
come events: {"event": "ready"} once, then for each order

    started   environment
    built     size
    note      text; what a person should know
    earlier   history {split: {metric: value}} of some epochs of earlier attempts
    resumed   epoch, seconds, cost, environments; if it goes on from a checkpoint
    epoch     epoch, epochs, metrics, seconds_left, kept; after each epoch
    outcome   verdict, curves, metrics, cost, memory_bytes
    stopped   epoch, cost; in place of an outcome: it halted, and can go on from that epoch
    error     error {type, message, retryable}

and after outcome, stopped or error the next order may come. What a model prints goes to stderr, and it finds its input empty.
"""

import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.envelope import error_fields
from jitnas_fn.core.errors import JitnasError, ModelFailed

LINGERING_SECONDS = (
    1.0  # how long a training outlives its parent in any case: the signal that ended that may be on its way here
)
HALTING_SECONDS = 20.0  # ... and if it was told to halt by a signal


class _Told:
    """What this process was told, by its parent or by a signal."""

    def __init__(self) -> None:
        self.orders: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self.busy = self.halting = self.signalled = False

    def hear(self, orders_in: BinaryIO) -> None:
        """Pass orders on. The end of the input means that the parent is gone: end, soon, in the middle of whatever it is."""
        import json

        for line in orders_in:
            order = json.loads(line)
            if order.get("stop"):
                self.halting = True
            else:
                self.halting = False
                self.orders.put(order)
        gone = time.monotonic()
        while self.busy and time.monotonic() - gone < (HALTING_SECONDS if self.signalled else LINGERING_SECONDS):
            time.sleep(0.05)
        os._exit(0)

    def terminate(self, number: int, frame: object) -> None:
        """What SIGTERM does."""
        if not self.busy:
            os._exit(0)
        self.halting = self.signalled = True


def main() -> None:
    """Serve until the input ends."""
    told = _Told()
    signal.signal(signal.SIGTERM, told.terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's to handle
    orders_in, events_out = _protected_pipes()
    threading.Thread(target=told.hear, args=(orders_in,), daemon=True).start()

    def say(event: str, body: Json) -> None:
        try:
            events_out.write(canonical({**body, "event": event}).encode("ascii") + b"\n")
            events_out.flush()
        except BrokenPipeError:
            if not told.signalled:  # else the parent got the signal too and is gone; the epoch is still finished and kept
                raise

    from jitnas_fn.worker import machine

    machine.prepare(threads=int(sys.argv[1]))
    say("ready", {})
    while True:
        _answer(told, say)


def _protected_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes of the protocol, moved to where no model finds them: its 0 is empty, its 1 is stderr."""
    orders_in, events_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders_in, events_out


def _answer(told: _Told, say: Callable[[str, Json], None]) -> None:
    order = told.orders.get()
    told.busy, told.signalled = True, False
    try:
        from jitnas_fn.worker.work import carried_out

        event, body = carried_out(order, say, stop=lambda: told.halting)
    except JitnasError as error:
        event, body = "error", {"error": error_fields(error)}
    except BaseException as error:  # noqa: BLE001  whatever a model raises, SystemExit too, is its failure and not ours
        event, body = "error", {"error": error_fields(_model_failed(error))}
    say(event, body)
    told.busy = False


def _model_failed(error: BaseException) -> ModelFailed:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return ModelFailed(f"the model raised {type(error).__name__}: {error}{place}")


if __name__ == "__main__":
    main()
