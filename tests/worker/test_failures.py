"""Whatever a model does to its process, the answer is a verdict or a typed error, and this process lives on."""

import os
import re
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.core.errors import ModelFailed, WorkerLost
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Limits
from tests.client.models import small
from tests.waiting import until
from tests.worker.asking import item_of, trained
from tests.worker.models import Bad, too_wide

ENDLESS = Recipe(name="endless", epochs=50_000, batch_size=64, learning_rate=0.01)
linux = pytest.mark.skipif(sys.platform != "linux", reason="the system has no bound for the memory of a process")


def _code(model, **options):
    return item_of(model, keyed=False, **options)


def test_a_process_that_leaves_is_a_loss_with_its_status_and_last_words():
    with pytest.raises(WorkerLost, match=r"(?s)exit status 3.*the last words"):
        trained(_code(Bad("leave")))


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_crash_is_a_loss_with_its_signal():
    with pytest.raises(WorkerLost, match="SIGSEGV"):
        trained(_code(Bad("crash")))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.parametrize("limits", [None, Limits(seconds=30)])
def test_a_process_that_leaves_a_fork_behind_is_a_loss_and_so_is_the_fork(limits):
    began = time.monotonic()
    with pytest.raises(WorkerLost, match="exit status 3") as loss:
        trained(_code(Bad("fork_and_leave"), limits=limits))
    assert time.monotonic() - began < 20  # not as long as the fork holds the pipes
    (fork,) = map(int, re.findall(r"forked (\d+)", str(loss.value)))
    until(lambda: not _runs(fork), seconds=5)


def _runs(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_an_error_of_the_model_names_its_place():
    with pytest.raises(ModelFailed, match=r"KeyError: 'no such thing' \(models\.py, line \d+, in fail\)"):
        trained(_code(Bad("fail")))


def test_a_model_that_exits_has_failed():
    with pytest.raises(ModelFailed, match="SystemExit: bye"):
        trained(_code(Bad("exit")))


def test_a_model_that_prints_megabytes_is_trained():
    assert trained(_code(Bad("chatter"))).verdict == "trained"


def test_a_model_that_reads_finds_nothing():
    assert trained(_code(Bad("read"))).verdict == "trained"


@linux
def test_a_model_that_writes_into_every_pipe_is_a_loss():
    with pytest.raises(WorkerLost, match="pipe that is not its own"):
        trained(_code(Bad("snoop")))


@pytest.mark.parametrize("deed", ["hang", "hang_in_training"])
def test_a_hang_is_over_time(deed):
    record = trained(_code(Bad(deed), recipe=ENDLESS, limits=Limits(seconds=0.5)))
    assert record.verdict == "over_time"
    assert record.limits == {"seconds": 0.5, "memory_bytes": None, "device": "cpu"}
    assert record.cost["wall_seconds"] >= 0.5
    assert record.metrics["test"] == {"loss": None, "accuracy": None}


def test_a_training_that_takes_too_long_keeps_its_finished_epochs():
    record = trained(item_of(lambda: small(outputs=4), ENDLESS, limits=Limits(seconds=0.5)))
    assert record.verdict == "over_time"
    assert len(record.curves["validation"]["accuracy"]) > 0
    assert record.cost["train_seconds"] > 0


def test_the_sites_own_limit_holds_where_a_task_brings_a_larger_one(site):
    site(seconds=0.5)
    record = trained(item_of(lambda: small(outputs=4), ENDLESS, limits=Limits(seconds=1e6)))
    assert record.verdict == "over_time"
    assert record.limits["seconds"] == 0.5


@linux
@pytest.mark.parametrize("model", [Bad("grow"), too_wide], ids=["while it runs", "while it is built"])
def test_memory_that_runs_out_is_a_verdict(model):
    record = trained(_code(model, limits=Limits(memory_bytes=2 << 30)))
    assert record.verdict == "out_of_memory"
    assert record.limits == {"seconds": None, "memory_bytes": 2 << 30, "device": "cpu"}


@linux
def test_a_document_that_asks_for_too_much_memory_is_a_verdict_and_the_child_works_on():
    wide = item_of(lambda: small(outputs=4, channels=1 << 22), limits=Limits(memory_bytes=2 << 30))
    assert trained(wide).verdict == "out_of_memory"
    assert trained(item_of(lambda: small(outputs=4))).verdict == "trained"


@linux
def test_enough_memory_is_enough():
    assert trained(item_of(lambda: small(outputs=4), limits=Limits(memory_bytes=2 << 30))).verdict == "trained"


def test_a_pickle_that_cannot_be_loaded_says_why():
    item = _code(Bad("nothing"))
    item["payload"]["data"] = "bm9uc2Vuc2U="
    with pytest.raises(ModelFailed, match="cannot be loaded here"):
        trained(item)
