"""Parsl's interchange, which ends when the process that started it is gone: `python -m jitnas_fn.backends._interchange`.

By itself it lives on when its parent is killed, and with it, until their walltime, idle blocks.
"""

import os
import runpy
import threading
import time

LOOK_SECONDS = 1.0


def main() -> None:
    """Be the interchange, as long as there is somebody to be it for."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
