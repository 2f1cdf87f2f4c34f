"""The Slurm that the other tests of this folder stand on does what a site's does."""

import sys

import pytest

from tests.site import processes
from tests.site.needs import LACK, has_cgroups

pytestmark = pytest.mark.usefixtures("slurm")

SLEEP = "exec sleep 600"
UNTIL_CANCELLED = "echo started $SLURM_RESTART_COUNT; exec sleep 600"
STUBBORN = "trap 'echo TERM' TERM; echo started; for i in {1..1200}; do sleep 0.5; done"


def started(cluster, job_id):
    cluster.wait_until(lambda: "started" in cluster.output(job_id), 30)
    return cluster.job(job_id)


def sleepers(cluster, node):
    return [pid for pid in processes.job_processes(cluster.folder, node) if processes.command(pid) == "sleep"]


def test_a_job_runs_on_a_gpu_node_and_is_told_its_gpu(idle):
    job_id = idle.submit("echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES $SLURM_JOB_PARTITION", "--gres=gpu:1")
    node = idle.wait_for(job_id, "COMPLETED")["NodeList"]
    assert node in {node.name for node in idle.nodes if "gpu" in node.partitions}
    assert idle.output(job_id).split() == [node, "0", "gpu"]


def test_jobs_side_by_side_on_a_node_get_different_gpus(idle):
    node = idle.nodes[0].name
    show = f"echo started $CUDA_VISIBLE_DEVICES; {SLEEP}"
    ids = [idle.submit(show, "--gpus-per-node=1", f"--nodelist={node}") for _ in range(4)]
    assert {started(idle, job_id)["NodeList"] for job_id in ids} == {node}
    assert sorted(idle.output(job_id).split()[1] for job_id in ids) == ["0", "1", "2", "3"]
    fifth = idle.submit(show, "--gres=gpu:1", f"--nodelist={node}")
    idle.wait_until(lambda: idle.job(fifth)["Reason"] == "Resources", 20)
    idle.cancel(ids[0])
    assert started(idle, fifth)["JobState"] == "RUNNING"


def test_a_gpu_can_be_asked_for_by_its_type(idle):
    job_id = idle.submit("echo $CUDA_VISIBLE_DEVICES", "--partition=infer", "--gres=gpu:t4:2")
    idle.wait_for(job_id, "COMPLETED")
    assert idle.output(job_id) == "0,1\n"
    with pytest.raises(RuntimeError, match="Requested node configuration is not available"):
        idle.submit(SLEEP, "--partition=infer", "--gres=gpu:h100:1")


def test_a_partition_that_is_not_there_is_refused(idle):
    with pytest.raises(RuntimeError, match="invalid partition specified: nowhere"):
        idle.submit(SLEEP, "--partition=nowhere")


@pytest.mark.slow
def test_a_requeued_job_runs_again_under_its_id(idle):
    job_id = idle.submit(UNTIL_CANCELLED)
    started(idle, job_id)
    idle.requeue(job_id)
    idle.wait_until(lambda: "started 1" in idle.output(job_id), 30)
    assert idle.job(job_id)["Restarts"] == "1"


def test_a_cancelled_job_gets_term_and_then_kill(idle):
    job_id = idle.submit(STUBBORN)
    started(idle, job_id)
    idle.cancel(job_id)
    assert idle.wait_for(job_id, "CANCELLED")["ExitCode"] in {"0:9", "0:15"}
    assert "TERM" in idle.output(job_id)


@pytest.mark.slow
def test_a_job_over_its_time_gets_term_and_then_kill(idle):
    job_id = idle.submit(STUBBORN)
    node = started(idle, job_id)["NodeList"]
    idle.end_in(job_id, 1)
    idle.wait_until(lambda: "TERM" in idle.output(job_id), 60)
    assert sleepers(idle, node)
    idle.wait_for(job_id, "TIMEOUT")
    idle.wait_until(lambda: not sleepers(idle, node), 15)


@pytest.mark.slow
def test_a_job_of_the_gpu_partition_takes_the_place_of_scavengers(idle):
    scavengers = [idle.submit(UNTIL_CANCELLED, "--partition=scavenge", "--gres=gpu:4") for _ in range(2)]
    for job_id in scavengers:
        started(idle, job_id)
    first = idle.submit("echo started; sleep 1", "--gres=gpu:4")
    started(idle, first)
    preempted = [job_id for job_id in scavengers if idle.job(job_id)["JobState"] != "RUNNING"]
    assert len(preempted) == 1
    idle.wait_until(lambda: "started 1" in idle.output(preempted[0]), 60)


@pytest.mark.slow
def test_a_job_of_a_node_that_dies_goes_elsewhere(idle):
    job_id = idle.submit(UNTIL_CANCELLED)
    dead = started(idle, job_id)["NodeList"]
    idle.crash(dead)
    assert not sleepers(idle, dead)
    idle.wait_until(lambda: "started 1" in idle.output(job_id), 90)
    assert idle.job(job_id)["NodeList"] not in {dead, "(null)"}
    assert idle.node_states()[dead].startswith("down")
    idle.boot(dead)


@pytest.mark.slow
def test_a_job_that_may_not_be_requeued_ends_with_its_node(idle):
    job_id = idle.submit(f"echo started; {SLEEP}", "--no-requeue")
    dead = started(idle, job_id)["NodeList"]
    idle.kill_slurmd(dead)
    assert idle.wait_for(job_id, "NODE_FAIL")["Restarts"] == "0"
    assert len(sleepers(idle, dead)) == 1  # nobody is there to end it


def test_a_job_outlives_the_restart_of_its_slurmd(idle):
    job_id = idle.submit("echo started; sleep 3; echo done; echo restarts: $SLURM_RESTART_COUNT")
    node = started(idle, job_id)["NodeList"]
    idle.kill_slurmd_alone(node)
    idle.boot(node)
    idle.wait_for(job_id, "COMPLETED")
    assert idle.output(job_id).endswith("done\nrestarts:\n")


@pytest.mark.skipif(not has_cgroups(), reason=f"{LACK}it takes cgroups of version 1, and root")
def test_with_cgroups_memory_is_limited_and_nothing_outlives_its_job(idle):
    hungry = "x = []\nwhile True: x.append(bytearray(1 << 24))"
    job_id = idle.submit(f"env -i setsid sleep 600 & echo started; exec {sys.executable} -c '{hungry}'", "--mem=100")
    node = started(idle, job_id)["NodeList"]
    idle.wait_for(job_id, "OUT_OF_MEMORY")
    idle.wait_until(lambda: not sleepers(idle, node), 15)
