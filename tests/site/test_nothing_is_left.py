"""However a cluster ends, no process, cgroup or file of it stays behind."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.site import processes
from tests.site.cluster import ROOT, Cluster

pytestmark = pytest.mark.usefixtures("slurm")


def short_folder():
    return Path(tempfile.mkdtemp(prefix="site-", dir="/tmp"))


def nothing_is_left(cluster):
    groups = [group for node in cluster.nodes for group in processes.cgroups(node.name)]
    return not (cluster.folder.exists() or groups or processes.processes(cluster.folder))


def test_nothing_is_left_of_a_cluster_and_its_neighbour_goes_on(idle):
    escaping = "setsid sleep 600 & trap '' TERM; echo started; for i in {1..1200}; do sleep 0.5; done"
    with Cluster(short_folder()) as other:
        job_id = other.submit(escaping)
        other.wait_until(lambda: "started" in other.output(job_id), 30)
        node = other.job(job_id)["NodeList"]
        assert len(processes.job_processes(other.folder, node)) >= 2
    assert nothing_is_left(other)
    assert set(idle.node_states().values()) == {"idle"}
    other.down()


def test_a_cluster_that_cannot_start_leaves_nothing():
    cluster = Cluster(short_folder(), settings={"SelectType": "select/nonsense"})
    with pytest.raises(RuntimeError, match="(?s)slurmctld ended: .*select/nonsense"):
        cluster.up()
    assert nothing_is_left(cluster)


def test_a_folder_that_is_not_empty_is_left_alone():
    folder = short_folder()
    (folder / "mine").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        Cluster(folder).up()
    assert (folder / "mine").exists()
    (folder / "mine").unlink()
    folder.rmdir()


def test_a_folder_whose_name_is_too_long_for_sockets_is_refused(tmp_path):
    with pytest.raises(ValueError, match="too long for unix sockets"):
        Cluster(tmp_path / ("long" * 20)).up()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_whoever_brought_it_up_dies(number):
    code = """
import sys, tempfile, time
from tests.site.cluster import Cluster
with Cluster(tempfile.mkdtemp(prefix="site-", dir="/tmp")) as cluster:
    cluster.submit("exec sleep 600")
    print(cluster.folder, *(node.name for node in cluster.nodes), flush=True)
    time.sleep(600)
"""
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    folder, *nodes = run.stdout.readline().split()
    cluster = Cluster(folder)
    cluster.wait_until(lambda: "RUNNING" in cluster.squeue().values(), 20)
    run.send_signal(number)
    run.communicate(timeout=30)
    cluster.wait_until(lambda: nothing_is_left(cluster), 20)
    assert not any(processes.cgroups(node) for node in nodes)
