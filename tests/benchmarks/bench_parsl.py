"""What our worker costs on top of Parsl: no-ops, the first result of a cold block, hits and small trainings.

Blocks are processes of this machine (`scheduler = "local"`), which is where a difference would show most.
"""

import statistics
import sys
import tempfile
import time
from concurrent.futures import wait
from pathlib import Path

from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task

CALLS, ROUNDS, TRAININGS, KEYS = 1_000, 5, 100, 100
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


def executor_in(folder: Path):
    folder.mkdir()
    site = folder / "site.toml"
    site.write_text(SITE)
    return parsl(site)


def rate(submit, function, text: str, calls: int = CALLS) -> float:
    began = time.perf_counter()
    assert not wait([submit(function, text) for _ in range(calls)]).not_done
    return calls / (time.perf_counter() - began)


def bare(executor):
    """Parsl itself, of the same workers."""
    from parsl.app.python import PythonApp

    app = PythonApp(nothing, data_flow_kernel=executor._running(), executors="all")
    return lambda _, text: app(text)


def cold(folder: Path, function, text: str) -> float:
    """Seconds from nothing to the first result."""
    executor = executor_in(folder)
    began = time.perf_counter()
    executor.submit(function, text).result()
    seconds = time.perf_counter() - began
    executor.shutdown()
    return seconds


def verdict(ok: bool) -> str:
    return "ok" if ok else "MISSED"


with tempfile.TemporaryDirectory() as place:
    top = Path(place)
    ping = Envelope("ping", {}).to_json()
    executor = executor_in(top / "warm")
    submit = bare(executor)
    rate(executor.submit, run_task, ping)
    pairs = [(rate(executor.submit, run_task, ping), rate(submit, None, ping)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    share = statistics.median(one / other for one, other in pairs)
    print(f"ping: {ours:.0f}/s, bare Parsl {theirs:.0f}/s: {share:.0%} (bar 90%) {verdict(share >= 0.9)}")

    client = Client(store=MemoryStore(), executor=executor)
    client.evaluate(network, dataset="digits", recipe="instant")
    began = time.perf_counter()
    evaluations = client.map([network], dataset="digits", recipe="instant", seeds=range(1, TRAININGS + 1))
    keys = [evaluation.result().key for evaluation in evaluations]
    print(f"instant trainings through the whole worker: {TRAININGS / (time.perf_counter() - began):.1f}/s on one worker")

    question = Envelope("lookup", {"keys": keys[:KEYS]}).to_json()
    hits = KEYS * rate(executor.submit, run_task, question, calls=50)
    print(f"hits at the site, {KEYS} keys a call: {hits:.0f}/s")
    executor.shutdown()

    pairs = [(cold(top / f"a{n}", run_task, ping), cold(top / f"b{n}", nothing, ping)) for n in range(3)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"first result of a cold block: {ours:.2f} s, a no-op {theirs:.2f} s: {ratio:.2f}x (bar 1.2x) {verdict(ratio <= 1.2)}"
    )
