"""Two people, one shared store: whoever asks first, each network is trained once, and both have every record."""

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from torch import nn

from jitnas_fn import Client
from jitnas_fn.backends.local import local
from jitnas_fn.stores.segments import SegmentStore

WIDTHS = (2, 4, 6, 8, 10, 12)


def network(width: int) -> nn.Module:
    layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    return nn.Sequential(*layers)


def ask(person: str, shared: str) -> None:
    """Ask for all networks. What the other is training is waited for."""
    with Client(executor=local(1, store=SegmentStore(shared))) as client:
        widths = random.Random(person).sample(WIDTHS, len(WIDTHS))  # everybody begins with another
        evaluations = client.map([network(width) for width in widths], dataset="digits", recipe="instant")
        sources = [evaluation.source for evaluation in evaluations if evaluation.result()]
    print(f"{person} has {len(sources)} records; {sources.count('trained')} of them were trained for {person}", flush=True)


if len(sys.argv) > 1:
    ask(*sys.argv[1:])
    sys.exit()

with tempfile.TemporaryDirectory() as folder:
    shared = Path(folder) / "shared"  # on a cluster: a folder that all nodes see
    people = []
    for person in ("Ada", "Ben"):
        home = {**os.environ, "JITNAS_HOME": str(Path(folder) / person)}
        people.append(subprocess.Popen([sys.executable, __file__, person, shared], env=home))
    for process in people:
        process.wait()
    store = SegmentStore(shared)
    print(f"{len(store)} records in the shared store, for {len(WIDTHS)} networks")
    done = store.compact(idle_seconds=0)
    print(f"{done.segments} writers' segments merged; still {len(store)} records")
