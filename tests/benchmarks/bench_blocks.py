"""Whether blocks scale to zero and do not churn: waves of small trainings on a real Slurm, against bare Parsl's no-ops.

Gaps between waves are shorter than `idle_seconds`, so that the blocks of the first wave should do for all; then comes a gap
until no block is left, and all of it once more. Baseline are the same blocks of the same Parsl, with a provider as it comes.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from jitnas_fn import Client
from jitnas_fn.backends.parsl import SCALING_SECONDS, parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.cluster import Cluster
from tests.site.needs import obstacle

TASKS, WAVES, ROUNDS = 12, 4, 2  # in a wave, before a long gap, long gaps
MOST, IDLE, GAP, BEAT = 2, 8.0, 3.0, 2  # blocks, [s], [s], [s]
LEAST = MOST * ROUNDS  # each wave is work for all blocks
SITE = f"""
name = "one machine"
folder = "worker"
store = "store"
[blocks]
partition = "gpu"
gpus = 1
cores = 1
walltime = "00:10:00"
most = {MOST}
idle_seconds = {IDLE}
look_seconds = 1
heartbeat_seconds = {BEAT}
"""

Send = Callable[[int], Future]


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def nothing(number: int) -> int:
    return number


def ours(folder: Path) -> tuple[Send, Callable[[], None]]:
    """Trainings, each of another seed, and what ends the executor."""
    site = folder / "site.toml"
    site.write_text(SITE)
    executor = parsl(site)
    client = Client(store=MemoryStore(), executor=executor)
    return lambda seed: client.submit(network, dataset="digits", recipe="instant", seed=seed), executor.shutdown


def bare(folder: Path) -> tuple[Send, Callable[[], None]]:
    """No-ops of Parsl in blocks of the same kind, and what ends them."""
    from parsl.app.python import PythonApp
    from parsl.config import Config
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.executors import HighThroughputExecutor
    from parsl.launchers import SimpleLauncher
    from parsl.providers import SlurmProvider

    provider = SlurmProvider(
        partition="gpu",
        gres="gpu:1",
        scheduler_options="#SBATCH --cpus-per-task=1",
        exclusive=False,
        walltime="00:10:00",
        init_blocks=0,
        min_blocks=0,
        max_blocks=MOST,
        launcher=SimpleLauncher(),
    )
    executor = HighThroughputExecutor(
        provider=provider,
        max_workers_per_node=1,
        cores_per_worker=1e-6,
        heartbeat_period=BEAT,
        heartbeat_threshold=3 * BEAT,
    )
    settings = Config(
        executors=[executor],
        run_dir=str(folder),
        strategy="simple",
        strategy_period=SCALING_SECONDS,
        max_idletime=IDLE,
        initialize_logging=False,
    )
    kernel = DataFlowKernel(settings)
    return PythonApp(nothing, data_flow_kernel=kernel, executors="all"), kernel.cleanup


def measured(cluster: Cluster, send: Send) -> tuple[int, list[float]]:
    """Jobs that were submitted, and after each last result the seconds until no block was left."""
    before, lasted = submitted(cluster), []
    for round_ in range(ROUNDS):
        for wave in range(WAVES):
            if wave:
                time.sleep(GAP)
            numbers = range(TASKS * (WAVES * round_ + wave), TASKS * (WAVES * round_ + wave + 1))
            assert not wait([send(number) for number in numbers], timeout=300).not_done
        began = time.monotonic()
        cluster.wait_until(lambda: not cluster.squeue(), 300)
        lasted.append(time.monotonic() - began)
    return submitted(cluster) - before, lasted


def submitted(cluster: Cluster) -> int:
    return len(set(cluster.run("squeue", "--noheader", "--states=all", "--format=%A").split()))


def verdict(ok: bool) -> str:
    return "ok" if ok else "MISSED"


def compare(cluster: Cluster, top: Path) -> None:
    found = {}
    for name, make in (("ours", ours), ("bare Parsl", bare)):
        (top / name.partition(" ")[0]).mkdir()
        send, end = make(top / name.partition(" ")[0])
        found[name] = measured(cluster, send)
        end()
    (jobs, lasted), (their_jobs, their_lasted) = found["ours"], found["bare Parsl"]
    share = jobs / LEAST
    print(
        f"{ROUNDS} times {WAVES} waves of {TASKS}, {GAP:g} s apart: {jobs} jobs, bare Parsl {their_jobs}, "
        f"least possible {LEAST}: {share:.2f}x (bar 1.2x) {verdict(share <= 1.2)}"
    )
    longest, theirs = max(lasted), max(their_lasted)
    bound = 1.2 * max(theirs, IDLE + 2 * SCALING_SECONDS)
    print(
        f"from the last result until no block is left: {longest:.1f} s, bare Parsl {theirs:.1f} s, idle_seconds {IDLE:g}: "
        f"{longest / theirs:.2f}x (bar {bound:.1f} s) {verdict(longest <= bound)}"
    )


if reason := obstacle():
    print(f"there can be no cluster here: {reason}")
    sys.exit()

logging.getLogger("parsl").setLevel(logging.CRITICAL)
with Cluster(tempfile.mkdtemp(prefix="site-", dir="/tmp")) as cluster, tempfile.TemporaryDirectory() as place:
    os.environ.update(cluster.environment)
    compare(cluster, Path(place))
