"""Run as a script with a site file: begin a training in a block, and say so once an epoch is over. Killed by the tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.training.models import LONGER, at_epoch, small

if __name__ == "__main__":
    evaluation = Client(store=MemoryStore(), executor=parsl(sys.argv[1])).submit(small, **LONGER)
    print(at_epoch(evaluation, 1), flush=True)
    evaluation.result()
