"""From a miss to a Slurm job to a record in the site's store and the client's cache, and never twice."""

import json
import subprocess
import sys
from pathlib import Path

from jitnas_fn import Client
from jitnas_fn.stores.memory import MemoryStore
from tests.site.training.models import QUICK, small

ROOT = Path(__file__).resolve().parents[3]


def test_a_miss_is_trained_in_a_job_on_a_gpu_node_and_then_is_a_hit(here):
    client = here.client()
    record = client.evaluate(small, **QUICK)
    assert (record.verdict, record.provenance["site"], record.provenance["token"]) == ("trained", "one machine", 1)
    assert here.store.get(record.key) == client.store.get(record.key) == record
    (job,) = here.jobs()
    told = here.cluster.job(job)
    assert (told["Partition"], told["JobName"]) == ("gpu", "jitnas")
    assert told["TresPerNode"].endswith("gpu:1")
    again = client.submit(small, **QUICK)
    assert (again.done(), again.source) == (True, "cache")
    assert here.jobs() == [job]


OTHER = """
import json, sys
from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.training.models import QUICK, small
executor = parsl(sys.argv[1])
evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **QUICK)
print(json.dumps([evaluation.result(60).record_id, evaluation.source]))
executor.shutdown(wait=False)
"""


def test_another_process_is_answered_by_the_site_without_a_new_job(here):
    record = here.client().evaluate(small, **QUICK)
    jobs = here.jobs()
    told = subprocess.run(
        [sys.executable, "-c", OTHER, here.file()], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(told.stdout) == [record.record_id, "shared"]
    assert here.jobs() == jobs


def test_a_block_without_work_is_given_back_and_the_next_task_gets_another(here):
    client = here.client()
    client.evaluate(small, **QUICK)
    here.cluster.wait_until(lambda: not here.cluster.squeue(), 60)
    client.evaluate(small, **QUICK, seed=1)
    assert len(here.jobs()) == 2


def test_a_node_that_is_whole_trains_on_each_of_its_gpus(here):
    client = here.client(whole_nodes=True, gpus=2, cores=None, most=1)
    records = [evaluation.result(120) for evaluation in client.map([small], **QUICK, seeds=range(4))]
    assert len({record.key for record in records}) == 4
    assert len(here.jobs()) == 1


def test_blocks_are_asked_for_in_the_other_spelling_too(here):
    client = here.client(gpu_request="gpus-per-node", gpu_type="t4", partition="infer")
    assert client.evaluate(small, **QUICK).verdict == "trained"


def test_a_client_of_its_own_store_needs_no_control_of_ones_own(here):
    executor = here.executor()
    client = Client(store=MemoryStore(), executor=executor)
    assert client._control is executor.control
