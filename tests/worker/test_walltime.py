"""A training that does not fit into its job stops in time, and goes on in the next."""

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import datetime
from pathlib import Path

import pytest

from jitnas_fn.core.errors import WalltimeExceeded
from jitnas_fn.core.task import Limits
from jitnas_fn.worker import runner, slurm
from jitnas_fn.worker.children import CHILDREN
from jitnas_fn.worker.pace import Pace
from tests.waiting import until
from tests.worker.asking import item_of, trained
from tests.worker.models import Bad
from tests.worker.watching import LONG, Asked, busy, four, kept, long_item, measured, status_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals, no Slurm")
ENDLESS = dataclasses.replace(LONG, epochs=50_000)


@pytest.fixture
def ends_in(squeue, monkeypatch):
    """Make this a job that ends in so many seconds, and change that."""
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setattr(slurm, "_one", [])
    monkeypatch.setattr(slurm, "ASK_SECONDS", 0.2)

    def change(seconds):
        squeue.says(datetime.fromtimestamp(time.time() + seconds).isoformat(timespec="seconds"))  # noqa: DTZ006

    change(1000)
    return change


def test_it_stops_before_the_end_and_the_next_job_goes_on(site, ends_in):
    here = site(margin_seconds=2.0, checkpoint_seconds=1000.0)
    item = long_item()
    whole = trained(item)
    runner.forget(whole, here)
    task = Asked(item_of(four, ENDLESS))
    assert task.under_way()["job"] == "4711"
    ends_in(4)
    began = time.monotonic()
    with pytest.raises(WalltimeExceeded, match=r"Slurm job 4711: . s are left, .*epoch \d+ of 50000 is kept") as ended:
        task.record()
    assert ended.value.retryable
    assert time.monotonic() - began < 4
    (epoch,) = kept(here)
    assert f"epoch {epoch} of" in str(ended.value)
    assert ended.value.kept == epoch
    ends_in(1000)
    until(lambda: slurm.seconds_left() > 100)
    task = Asked(item_of(four, ENDLESS))
    assert until(lambda: (now := task.status()).get("resumed") and now)["resumed"] == epoch
    busy().kill()
    with pytest.raises(Exception, match="SIGKILL"):
        task.record()


def test_stopped_again_and_again_it_comes_to_the_same_record(site, ends_in):
    here = site(margin_seconds=1000.0, checkpoint_seconds=1000.0)
    ends_in(5000)
    whole = trained(long_item())
    runner.forget(whole, here)
    for count in (1, 2):
        task = Asked(long_item())
        task.under_way()
        ends_in(900)
        with pytest.raises(WalltimeExceeded, match="is kept"):
            task.record()
        assert len(kept(here)) == count
        ends_in(5000)
        until(lambda: slurm.seconds_left() > 1000)
    record = trained(long_item())
    assert measured(record) == measured(whole)
    assert record.cost["attempts"] == 3


@pytest.fixture
def block(tmp_path, monkeypatch):
    """The folder of a block around this process."""
    folder = tmp_path / "block"
    folder.mkdir()
    monkeypatch.setenv("JITNAS_BLOCK", str(folder))
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_block_is_to_end_when_a_training_does_not_fit_into_it_any_more(site, ends_in, block):
    site(margin_seconds=1000.0, checkpoint_seconds=1000.0)
    ends_in(5000)
    task = Asked(item_of(four, ENDLESS))
    task.under_way()
    (worker,) = names(block)
    assert worker.partition(".")[0] == str(os.getpid())
    ends_in(900)
    with pytest.raises(WalltimeExceeded, match="is kept"):
        task.record()
    ends_in(5000)
    assert names(block) == ["ending"]
    with pytest.raises(WalltimeExceeded, match="it was not begun") as refused:  # sent again, it came back here
        trained(item_of(four, ENDLESS))
    assert refused.value.kept is None


def test_and_when_it_is_too_late_to_begin_anything(site, ends_in, block):
    site(margin_seconds=30.0)
    ends_in(20)
    with pytest.raises(WalltimeExceeded):
        trained(long_item())
    assert names(block) == ["ending"]


def test_a_signal_to_the_child_is_no_reason_to_end_the_block(site, block):
    site(checkpoint_seconds=1000.0)
    task = Asked(item_of(four, ENDLESS))
    task.under_way()
    busy().send_signal(signal.SIGTERM)
    with pytest.raises(WalltimeExceeded):
        task.record()
    assert names(block) == []


def test_outside_of_blocks_nothing_is_left(site, ends_in, tmp_path):
    here = site(margin_seconds=1000.0)
    ends_in(5000)
    task = Asked(item_of(four, ENDLESS))
    task.under_way()
    ends_in(900)
    with pytest.raises(WalltimeExceeded):
        task.record()
    assert names(here.place()) == ["checkpoints"]


def test_the_child_that_stopped_stays_warm(site, ends_in):
    site(margin_seconds=1000.0)
    ends_in(5000)
    task = Asked(item_of(four, ENDLESS))
    task.under_way()
    pid = busy().pid
    ends_in(900)
    with pytest.raises(WalltimeExceeded):
        task.record()
    assert pid in {child._process.pid for idle in CHILDREN._idle.values() for child in idle}


def test_an_order_that_comes_too_late_is_refused_at_once(site, ends_in):
    site(margin_seconds=30.0)
    ends_in(20)
    began = time.monotonic()
    with pytest.raises(
        WalltimeExceeded, match=r"Slurm job 4711: \d+ s are left, and 30 are needed to begin\); it was not begun"
    ) as refused:
        trained(long_item())
    assert refused.value.kept is None
    assert time.monotonic() - began < 2


def test_what_does_not_stop_is_ended_before_the_job_is(site, ends_in):
    site(margin_seconds=2.0)
    task = Asked(item_of(Bad("hang_in_training"), ENDLESS, keyed=False))
    until(lambda: task.status()["state"] == "training")
    ends_in(6)
    began = time.monotonic()
    with pytest.raises(WalltimeExceeded, match="none of 50000 epochs is kept") as ended:
        task.record()
    assert ended.value.kept == 0
    assert time.monotonic() - began < 7


def test_a_limit_of_the_task_comes_first(site, ends_in):
    site(margin_seconds=2.0)
    ends_in(60)
    assert trained(item_of(four, ENDLESS, limits=Limits(seconds=0.5))).verdict == "over_time"


def test_a_signal_to_the_child_alone_stops_it(site):
    here = site(checkpoint_seconds=1000.0)
    task = Asked(item_of(four, ENDLESS))
    task.under_way()
    busy().send_signal(signal.SIGTERM)
    with pytest.raises(WalltimeExceeded, match=r"\(its process was told to end\); epoch \d+ of 50000 is kept"):
        task.record()
    assert len(kept(here)) == 1


SCRIPT = """
    import signal, sys, time
    from tests.worker.asking import results_of
    from tests.worker.watching import four, long_item, LONG
    from tests.worker.asking import item_of
    import dataclasses

    HANDLER
    endless = item_of(four, dataclasses.replace(LONG, epochs=50_000))
    for result in results_of(endless, long_item()):
        print(result["error"]["type"], result["error"]["message"], flush=True)
    time.sleep(HANGING)
    print("lived on", flush=True)
"""
ANSWER = "signal.signal(signal.SIGTERM, lambda *a: (print('asked before', flush=True), sys.exit(7)))"


@pytest.mark.parametrize(
    ("handler", "hanging", "status", "words"),
    [
        ("pass", 30, -signal.SIGTERM, None),
        (ANSWER, 30, 7, "asked before"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 3, 0, "lived on"),
    ],
    ids=["default", "a handler", "ignored"],
)
def test_sigterm_stops_answers_and_then_does_what_it_did_before(site, tmp_path, handler, hanging, status, words):
    here = site(checkpoint_seconds=1000.0)
    site_file = tmp_path / "site.toml"
    site_file.write_text('threads = 1\ndevice = "cpu"\nfolder = "site"\ncheckpoint_seconds = 1000\n')
    script = textwrap.dedent(SCRIPT).replace("HANDLER", handler).replace("HANGING", str(hanging))
    environment = {**os.environ, "JITNAS_SITE": str(site_file), "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            endless = item_of(four, ENDLESS)
            until(lambda: status_of(endless["key"]).get("epoch"))
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    first, second, *rest = out.splitlines()
    assert first.startswith("WalltimeExceeded"), err
    assert "this process was told to end" in first
    assert "of 50000 is kept" in first
    assert second.startswith("WalltimeExceeded")  # the next in the same message is refused
    assert "it was not begun" in second
    assert rest == ([words] if words else [])
    assert process.returncode == status
    assert len(kept(here)) == 1


@pytest.mark.parametrize(
    ("done", "longest", "under_way", "needed"),
    [
        (0, 0, 0, 30),  # nothing is known but the margin
        (3, 10, 4, 6 + 12 + 30),
        (3, 10, 20, 24 + 30),  # the one under way is the longest
        (8, 10, 4, 6 + 12 + 30),
        (9, 10, 4, 6 + 30),  # the last one
        (10, 10, 4, 30),  # the test split
    ],
)
def test_another_epoch_needs_the_rest_of_this_one_itself_and_the_margin(done, longest, under_way, needed):
    pace = Pace(epochs=10, margin_seconds=30.0, done=done, longest=longest, began=time.monotonic() - under_way)
    assert pace.must_halt(needed - 1)
    assert not pace.must_halt(needed + 1)


def test_earlier_attempts_tell_how_long_an_epoch_takes():
    pace = Pace(epochs=10, margin_seconds=0.0)
    pace.begin(done=4, seconds=40.0)
    assert (pace.done, pace.longest) == (4, 10.0)
    pace.epoch_over(5)
    assert (pace.done, pace.longest) == (5, 10.0)


@pytest.mark.parametrize(("left", "hopeless"), [(11, False), (9, True)])
def test_an_attempt_whose_first_epoch_does_not_fit_is_hopeless(left, hopeless):
    pace = Pace(epochs=10, margin_seconds=0.0)
    assert not pace.is_hopeless(left)  # nothing is known
    pace.begin(done=4, seconds=40.0)
    assert pace.is_hopeless(left) is hopeless
    pace.epoch_over(5)
    assert not pace.is_hopeless(left)  # what is paid for by then is kept as late as may be
