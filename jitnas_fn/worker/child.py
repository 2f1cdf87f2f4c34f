"""The process that trains: `python -m jitnas_fn.worker.child THREADS`. JSON lines in, JSON lines out.

In come orders {payload, parts, dataset, recipe, limits, device}, one at a time; the end of the input ends the process. Out
come events: {"event": "ready"} once, then for each order

    started   environment
    built     size
    epoch     epoch, epochs, metrics, seconds_left; after each epoch
    outcome   verdict, curves, metrics, cost, memory_bytes
    error     error {type, message, retryable}

and after outcome or error the next order may come. What a model prints goes to stderr, and it finds its input empty.
"""

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.envelope import error_fields
from jitnas_fn.core.errors import JitnasError, ModelFailed


def main() -> None:
    """Serve until the input ends."""
    orders_in, events_out = _protected_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's to handle
    orders: queue.SimpleQueue[Json] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders_in, orders), daemon=True).start()

    def say(event: str, body: Json) -> None:
        events_out.write(canonical({**body, "event": event}).encode("ascii") + b"\n")
        events_out.flush()

    from jitnas_fn.worker import machine

    machine.prepare(threads=int(sys.argv[1]))
    say("ready", {})
    while True:
        _answer(orders.get(), say)


def _protected_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes of the protocol, moved to where no model finds them: its 0 is empty, its 1 is stderr."""
    orders_in, events_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders_in, events_out


def _listen(orders_in: BinaryIO, orders: "queue.SimpleQueue[Json]") -> None:
    """Pass orders on. The end of the input means that the parent is gone: end at once, in the middle of whatever it is."""
    import json

    for line in orders_in:
        orders.put(json.loads(line))
    os._exit(0)


def _answer(order: Json, say: Callable[[str, Json], None]) -> None:
    try:
        from jitnas_fn.worker.work import carried_out

        body = carried_out(order, say)
    except JitnasError as error:
        say("error", {"error": error_fields(error)})
    except BaseException as error:  # noqa: BLE001  whatever a model raises, SystemExit too, is its failure and not ours
        say("error", {"error": error_fields(_model_failed(error))})
    else:
        say("outcome", body)


def _model_failed(error: BaseException) -> ModelFailed:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return ModelFailed(f"the model raised {type(error).__name__}: {error}{place}")


if __name__ == "__main__":
    main()
