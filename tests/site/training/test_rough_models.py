"""Models that are rough with their process: a verdict or a typed error, and the block lives on."""

import os
import sys
import time

import pytest
from torch import nn

from jitnas_fn import Limits
from jitnas_fn.core import errors
from tests.site.needs import LACK, has_cgroups
from tests.site.training.models import QUICK, small

CHILD = "jitnas_fn.worker.child"
CODE = {"site": {"accepts": ["graph", "cloudpickle"]}, "most": 1, "memory_gb": 4}


class Rough(nn.Module):
    """Does something to its process as soon as it is computed with."""

    def __init__(self, deed):
        super().__init__()
        self.body, self.deed = small(), deed

    def forward(self, x):
        self.deed()
        return self.body(x)


def prints():
    sys.stdout.write("x" * 5_000_000)


def dies():
    os._exit(9)


def forks():
    if os.fork() == 0:
        os._exit(0)


def leaves_another():
    if os.fork() == 0:
        time.sleep(10_000)  # with all pipes of its parent
        os._exit(0)


def dies_and_leaves_another():
    leaves_another()
    os._exit(9)


def hangs():
    time.sleep(10_000)


def leaks():
    leaks.kept = [*getattr(leaks, "kept", []), bytearray(700_000_000)]


@pytest.mark.parametrize(
    ("deed", "limits", "ending"),
    [
        (prints, None, "trained"),
        (forks, None, "trained"),
        (leaves_another, None, "trained"),
        (dies, None, errors.WorkerLost),
        (dies_and_leaves_another, None, errors.WorkerLost),
        (hangs, Limits(seconds=3), "over_time"),
        (leaks, Limits(memory_bytes=2_000_000_000), "out_of_memory"),
    ],
    ids=["prints", "forks", "leaves another", "dies", "dies and leaves another", "hangs", "leaks"],
)
def test_a_rough_model_ends_and_the_block_lives_on(here, deed, limits, ending):
    client = here.client(**CODE)
    evaluation = client.submit(Rough(deed), **QUICK, identity="none", payload="cloudpickle", limits=limits)
    if isinstance(ending, str):
        assert evaluation.result(120).verdict == ending
    else:
        assert isinstance(evaluation.exception(120), ending)
    assert client.evaluate(small, **QUICK).verdict == "trained"
    assert len(here.jobs()) == 1
    here.cluster.wait_until(lambda: len(here.pids(CHILD)) == 1, 10)  # the one that trained `small`, until its block ends


@pytest.mark.skipif(not has_cgroups(), reason=f"{LACK}without cgroups Slurm ends the whole job, or nothing")
def test_what_takes_more_memory_than_the_job_has_is_a_loss_and_the_block_lives_on(here):
    client = here.client(**{**CODE, "memory_gb": 1})
    evaluation = client.submit(Rough(leaks), **QUICK, identity="none", payload="cloudpickle")
    assert isinstance(evaluation.exception(120), errors.WorkerLost)
    assert client.evaluate(small, **QUICK).verdict == "trained"
    assert len(here.jobs()) == 1
