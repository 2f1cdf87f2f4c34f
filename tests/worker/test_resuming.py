"""What was half trained when somebody died is taken up where it was, and the record is that of a training in one piece."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from jitnas_fn.core.errors import Cancelled, WorkerLost
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits
from jitnas_fn.training import checkpoint_files
from jitnas_fn.worker import runner
from jitnas_fn.worker.children import CHILDREN
from jitnas_fn.worker.ending import Ending, record_of
from jitnas_fn.worker.orders import order_of
from tests.client.models import Unkeyable
from tests.waiting import until
from tests.worker.asking import asked, item_of, trained
from tests.worker.watching import LONG, Asked, busy, four, kept, long_item, measured

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals")


@pytest.fixture
def here(site):
    """A site that keeps each epoch."""
    return site(checkpoint_seconds=0.0)


def _killed(item, site, *, beyond=2):
    """Ask for a task, and kill the process that trains it some epochs later."""
    task = Asked(item)
    until(lambda: max(kept(site), default=0) >= beyond)
    busy().kill()
    with pytest.raises(WorkerLost, match="SIGKILL"):
        task.record()


@pytest.mark.parametrize("payload", ["graph", "cloudpickle"])
def test_a_child_that_was_killed_twice_costs_nothing_but_time(here, payload):
    item = long_item(payload=payload)
    whole = trained(item)
    runner.forget(whole, here)
    assert kept(here) == []
    _killed(item, here)
    first = max(kept(here))
    _killed(item, here, beyond=first + 2)
    record = trained(item)
    assert measured(record) == measured(whole)
    assert (whole.cost["attempts"], record.cost["attempts"]) == (1, 3)
    assert record.cost["train_seconds"] > 0.5 * whole.cost["train_seconds"]
    assert len(record.curves["train"]["loss"]) == LONG.epochs


def test_the_status_says_what_is_kept_and_from_where_it_went_on(here):
    item = long_item()
    _killed(item, here)
    from_here = max(kept(here))
    task = Asked(item)
    status = until(lambda: (now := task.status()).get("resumed") is not None and now)
    assert status["resumed"] == from_here
    assert status["kept"] >= from_here
    assert status["epoch"] >= from_here
    assert status["job"] is None
    assert asked("cancel", keys=[item["key"]])["results"][0]["state"] == "cancelling"
    with pytest.raises(Cancelled):
        task.record()


def test_what_was_cancelled_goes_on_when_it_is_asked_for_again(here):
    item = long_item()
    task = Asked(item)
    until(lambda: max(kept(here), default=0) >= 2)
    asked("cancel", keys=[item["key"]])
    with pytest.raises(Cancelled):
        task.record()
    assert trained(item).cost["attempts"] == 2


SCRIPT = """
    from tests.worker.asking import trained
    from tests.worker.watching import long_item

    print(trained(long_item()).verdict)
"""


def _in_a_process(folder, lines=""):
    """Start a process that asks for `long_item`, with a site in `folder` that keeps each epoch."""
    site_file = folder / "site.toml"
    site_file.write_text(f'threads = 1\ndevice = "cpu"\nfolder = "site"\ncheckpoint_seconds = 0\n{lines}')
    environment = {**os.environ, "JITNAS_SITE": str(site_file), "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT)]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder)


def test_a_worker_that_was_killed_costs_nothing_but_time(here, tmp_path):
    process = _in_a_process(tmp_path)  # conftest's site has the same folder
    until(lambda: max(kept(here), default=0) >= 2)
    process.kill()
    process.communicate()
    record = trained(long_item())
    assert record.cost["attempts"] == 2
    runner.forget(record, here)
    assert measured(record) == measured(trained(long_item()))


def test_ctrl_c_and_asking_again_goes_on(here, tmp_path):
    process = _in_a_process(tmp_path)
    until(lambda: max(kept(here), default=0) >= 2)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode != 0
    assert trained(long_item()).cost["attempts"] == 2


def test_a_damaged_checkpoint_is_told_and_the_earlier_used(here):
    item = long_item()
    _killed(item, here)
    newest = checkpoint_files.path_of(here.checkpoints(), item["key"], max(kept(here)))
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="is damaged and was set aside"):
        record = trained(item)
    assert record.cost["attempts"] == 2
    assert len(list(here.checkpoints().glob("*.corrupt"))) == 1


def test_checkpoints_that_cannot_be_written_are_told_and_the_task_is_trained(here):
    here.checkpoints().write_text("a file where a folder should be")
    with pytest.warns(UserWarning, match="is trained on without a checkpoint of it"):
        assert trained(long_item()).verdict == "trained"


def test_a_site_may_keep_none(site):
    here = site(checkpoint_seconds=0.0, checkpoint_bytes=0)
    trained(long_item())
    assert not here.checkpoints().exists()


def test_what_has_no_fingerprint_is_not_kept(here):
    trained(item_of(Unkeyable(), LONG, keyed=False))
    assert not here.checkpoints().exists()


def test_an_instant_training_writes_no_file(site):
    trained(item_of(four))
    assert not site().checkpoints().exists()


def test_once_the_record_is_safe_nothing_is_left(here):
    record = trained(long_item())
    days = [(time.time() - path.stat().st_mtime) / 86400 for path in here.checkpoints().iterdir()]
    assert days == pytest.approx([29, 29], abs=0.1)  # or it goes a day later
    runner.forget(record, here)
    assert list(here.checkpoints().iterdir()) == []


def test_a_larger_limit_goes_on_where_the_smaller_was_met(here):
    whole = trained(long_item())
    runner.forget(whole, here)
    met = trained(long_item(limits=Limits(seconds=whole.cost["train_seconds"] / 2)))
    assert met.verdict == "over_time"
    runner.forget(met, here)
    record = trained(long_item(limits=Limits(seconds=1000.0)))
    assert record.cost["attempts"] == 2
    assert measured(record) == measured(whole)


def test_a_record_names_the_other_machines_of_its_curve(here, site):
    item = long_item()
    _killed(item, here)
    site(threads=2)
    environment = trained(item).environment
    assert environment["threads"] == 2
    assert [earlier["threads"] for earlier in environment["earlier"]] == [1]


def test_what_is_killed_after_its_limit_tells_the_epochs_and_cost_of_all_attempts(here):
    order = order_of(long_item(limits=Limits(seconds=10.0)), here)
    epoch = {split: {"loss": 1.0, "accuracy": 0.5} for split in ("train", "validation")}
    earlier = {"epoch": 2, "seconds": 8.0, "cost": {"wall_seconds": 9.0, "attempts": 3}, "environments": []}
    ending = Ending(outcome={"verdict": "over_time"}, history=[epoch] * 3, wall_seconds=3.0, earlier=earlier)
    assert ending.seconds == 11.0
    record = Record.from_dict(record_of(order, ending, site=here).to_dict())
    assert record.curves["train"]["loss"] == [1.0] * 3
    assert (record.cost["wall_seconds"], record.cost["attempts"], record.cost["joules"]) == (12.0, 4, None)


def test_thousands_of_earlier_epochs_are_told(site):
    here = site(checkpoint_seconds=0.5)
    many = LONG.__class__(epochs=50_000, batch_size=512, learning_rate=0.01, data_fraction=0.01)
    item = item_of(four, many)
    task = Asked(item)
    until(lambda: max(kept(here), default=0) > 2_500)
    busy().kill()
    with pytest.raises(WorkerLost):
        task.record()
    spent = trained({**item, "limits": Limits(seconds=0.001).to_dict()})
    assert spent.verdict == "over_time"
    assert len(spent.curves["train"]["loss"]) > 2_500


def test_a_child_sweeps_what_was_forgotten(here):
    folder = here.checkpoints()
    folder.mkdir()
    old = folder / f"{'a' * 64}.7.checkpoint"
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    CHILDREN.close()
    trained(item_of(four))
    assert not old.exists()
