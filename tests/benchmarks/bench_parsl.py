"""What our worker costs on top of Parsl: no-ops, the first result of a cold block, hits and small trainings.

Blocks are processes of this machine (`scheduler = "local"`), which is where a difference would show most.
"""

import gc
import statistics
import sys
import tempfile
import time
from concurrent.futures import wait
from pathlib import Path

from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from jitnas_fn import Client
from jitnas_fn.backends.parsl import SCALING_SECONDS, parsl
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task

CALLS, ROUNDS, TRAININGS, KEYS = 1_000, 12, 100, 100
SITE = """
name = "this machine"
folder = "worker"
store = "store"
[blocks]
scheduler = "local"
gpus = 0
idle_seconds = 300
heartbeat_seconds = 5
look_seconds = 1
address = "127.0.0.1"
"""


def nothing(text: str) -> str:
    return text


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def ours(folder: Path):
    """Our executor, and what ends it."""
    folder.mkdir()
    site = folder / "site.toml"
    site.write_text(SITE)
    executor = parsl(site)
    return executor.submit, executor.shutdown


def bare(folder: Path):
    """Parsl as it comes, with a block of the same kind, and what ends it."""
    from parsl.app.python import PythonApp
    from parsl.config import Config
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    executor = HighThroughputExecutor(
        provider=LocalProvider(init_blocks=0, min_blocks=0, max_blocks=1),
        max_workers_per_node=1,
        cores_per_worker=1e-6,
        heartbeat_period=5,
        heartbeat_threshold=15,
        address="127.0.0.1",
    )
    settings = Config(
        executors=[executor],
        run_dir=str(folder),
        strategy="simple",
        strategy_period=SCALING_SECONDS,
        max_idletime=300,
        initialize_logging=False,
    )
    kernel = DataFlowKernel(settings)
    app = PythonApp(nothing, data_flow_kernel=kernel, executors="all")
    return lambda _, text: app(text), kernel.cleanup


def rate(submit, function, text: str, calls: int = CALLS) -> float:
    gc.collect()  # else whoever comes first in a pair pays for both
    began = time.perf_counter()
    assert not wait([submit(function, text) for _ in range(calls)]).not_done
    return calls / (time.perf_counter() - began)


def cold(start, folder: Path, text: str) -> float:
    """Seconds from nothing to the first result."""
    began = time.perf_counter()
    submit, end = start(folder)
    submit(run_task, text).result()
    seconds = time.perf_counter() - began
    end()
    return seconds


def verdict(ok: bool) -> str:
    return "ok" if ok else "MISSED"


with tempfile.TemporaryDirectory() as place:
    top = Path(place)
    ping = Envelope("ping", {}).to_json()
    (submit, end), (submit_bare, end_bare) = ours(top / "ours"), bare(top / "bare")
    for warm in (submit, submit_bare):
        rate(warm, run_task, ping)
    pairs = [(rate(submit, run_task, ping), rate(submit_bare, None, ping)) for _ in range(ROUNDS)]
    end_bare()
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    share = statistics.median(one / other for one, other in pairs)
    print(f"ping: {mine:.0f}/s, bare Parsl {theirs:.0f}/s: {share:.0%} (bar 90%) {verdict(share >= 0.9)}", flush=True)
    end()

    executor = parsl(top / "ours" / "site.toml")
    client = Client(store=MemoryStore(), executor=executor)
    client.evaluate(network, dataset="digits", recipe="instant")
    began = time.perf_counter()
    evaluations = client.map([network], dataset="digits", recipe="instant", seeds=range(1, TRAININGS + 1))
    keys = [evaluation.result().key for evaluation in evaluations]
    print(f"instant trainings through the whole worker: {TRAININGS / (time.perf_counter() - began):.1f}/s on one worker")

    question = Envelope("lookup", {"keys": keys[:KEYS]}).to_json()
    hits = KEYS * rate(executor.submit, run_task, question, calls=50)
    print(f"hits at the site, {KEYS} keys a call: {hits:.0f}/s", flush=True)
    executor.shutdown()

    pairs = [(cold(ours, top / f"a{n}", ping), cold(bare, top / f"b{n}", ping)) for n in range(5)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"first result of a cold block: {mine:.2f} s, bare {theirs:.2f} s: {ratio:.2f}x (bar 1.2x) {verdict(ratio <= 1.2)}")
