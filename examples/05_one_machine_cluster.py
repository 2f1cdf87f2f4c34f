"""A whole cluster on this machine: a real Slurm with two GPU nodes that only seem to be there, and a batch trained on it.

It needs Debian's packages slurm-wlm and munge, listens to nobody but this machine, and leaves nothing behind. On a real cluster
the site file is all you need: README, "On a login node".
"""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the cluster is the one of our tests

from torch import nn

from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.cluster import Cluster
from tests.site.needs import obstacle

SITE = """
name = "one machine"
folder = "worker"
store = "store"
[blocks]
partition = "gpu"
gpus = 1
cores = 1
walltime = "00:05:00"
most = 2
idle_seconds = 5
look_seconds = 1
heartbeat_seconds = 2
"""


def network(width: int) -> nn.Module:
    layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]
    return nn.Sequential(*layers)


if reason := obstacle():
    print(f"there can be no cluster here: {reason}")
    sys.exit()

with Cluster(tempfile.mkdtemp(prefix="site-", dir="/tmp")) as cluster, tempfile.TemporaryDirectory() as shared:
    os.environ.update(cluster.environment)
    print(cluster.run("sinfo", "--format=%P %D nodes, GPUs %G"))
    site = Path(shared) / "site.toml"
    site.write_text(SITE)
    executor = parsl(site)
    client = Client(store=MemoryStore(), executor=executor)
    evaluations = client.map([network(width) for width in (2, 4, 8)], dataset="digits", recipe="quick", seeds=range(2))
    print(f"{len(evaluations)} sent: {evaluations[0].status()}")
    for evaluation in evaluations:
        record = evaluation.result()
        print(f"{record.key[:12]}…  {evaluation.source}  validation accuracy {record.metrics['validation']['accuracy']:.3f}")
    print(cluster.run("squeue", "--states=all", "--format=%A %j %T on %N"))
    executor.shutdown()
