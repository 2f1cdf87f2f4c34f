"""The processes themselves: warm, fresh, cancelled, orphaned, forked; and a script without a main guard."""

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from jitnas_fn.core.errors import Cancelled, WorkerLost
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.worker.board import Run
from jitnas_fn.worker.children import CHILDREN, Children
from jitnas_fn.worker.site import use
from tests.client.models import small
from tests.waiting import until
from tests.worker.asking import asked, item_of, results_of, trained
from tests.worker.models import Bad

RUN, OTHER = "1" * 32, "2" * 32
ENDLESS = Recipe(name="endless", epochs=50_000, batch_size=64, learning_rate=0.01)


def _four():
    return small(outputs=4)


def _in_background(site, item):
    """Start a task in a thread; its result is in the list once the thread has ended."""
    results = []

    def work():
        use(site)
        results.extend(results_of(item))

    thread = threading.Thread(target=work)
    thread.start()
    return thread, results


def _idle():
    return {child._process.pid for children in CHILDREN._idle.values() for child in children}


def _files(site):
    """What is shown of runs; checkpoints of what was cancelled stay."""
    return [path for path in site.place().iterdir() if path.is_file()]


def test_a_warm_child_is_used_again_for_documents():
    trained(item_of(_four))
    before = _idle()
    trained(item_of(_four, seed=1))
    assert _idle() == before


def test_a_child_that_ran_code_is_never_used_again():
    trained(item_of(_four))
    before = _idle()
    trained(item_of(Bad("nothing"), keyed=False))
    assert _idle() == before


def test_a_child_that_died_while_idle_is_replaced():
    trained(item_of(_four))
    for children in CHILDREN._idle.values():
        for child in children:
            child._process.kill()
            child._process.wait()
    assert trained(item_of(_four)).verdict == "trained"


def test_status_shows_the_epochs_and_cancel_ends_the_task(site):
    item = item_of(_four, ENDLESS)
    thread, results = _in_background(site(), item)

    def status():
        return asked("status", keys=[item["key"]])["results"][0]

    status_now = until(lambda: (now := status())["state"] == "training" and now["epoch"] and now)
    assert status_now["epochs"] == 50_000
    assert 0 <= status_now["metrics"]["validation"]["accuracy"] <= 1
    assert status_now["seconds_left"] > 0
    assert asked("cancel", keys=[item["key"]])["results"][0]["state"] == "cancelling"
    thread.join(30)
    assert results[0]["error"]["type"] == Cancelled.__name__
    assert status()["state"] == "unknown"
    assert _files(site()) == []


def test_a_task_that_waits_in_the_same_message_can_be_cancelled(site):
    first, second = item_of(_four, ENDLESS), item_of(_four, ENDLESS, seed=1)
    results = []

    def work(here):
        use(here)
        results.extend(results_of(first, second))

    thread = threading.Thread(target=work, args=(site(),))
    thread.start()
    until(lambda: asked("status", keys=[second["key"]])["results"][0]["state"] == "queued")
    for item in (second, first):
        assert asked("cancel", keys=[item["key"]])["results"][0]["state"] == "cancelling"
    thread.join(60)
    assert [result["error"]["type"] for result in results] == ["Cancelled", "Cancelled"]


def test_of_two_runs_of_one_key_one_is_cancelled_and_the_other_is_trained(site):
    item = item_of(_four, dataclasses.replace(ENDLESS, epochs=150))
    stopped, results = _in_background(site(), {**item, "run": RUN})
    going, records = _in_background(site(), {**item, "run": OTHER})

    def state(run):
        return asked("status", keys=[item["key"]], runs=[run])["results"][0]["state"]

    until(lambda: {state(RUN), state(OTHER)} == {"training"})
    assert asked("cancel", keys=[item["key"]], runs=[RUN])["results"][0]["state"] == "cancelling"
    stopped.join(30)
    assert results[0]["error"]["type"] == Cancelled.__name__
    assert (state(RUN), state(OTHER)) == ("unknown", "training")
    going.join(60)
    assert records[0]["record"]["verdict"] == "trained"
    assert _files(site()) == []


def test_without_runs_all_runs_of_a_key_are_cancelled(site):
    item = item_of(_four, ENDLESS)
    both = [_in_background(site(), item), _in_background(site(), {**item, "run": RUN})]
    until(lambda: len(list(site().place().glob("*.status"))) == 2)
    assert asked("cancel", keys=[item["key"]])["results"][0]["state"] == "cancelling"
    for thread, results in both:
        thread.join(30)
        assert results[0]["error"]["type"] == Cancelled.__name__


def test_only_a_cancel_file_of_the_very_run_cancels_it(site):
    item = item_of(_four)
    for name in (f"{item['key']}.cancel", f"{item['key']}.{RUN}.cancel"):
        (site().place() / name).touch()
    assert trained(item).verdict == "trained"
    assert results_of(item | {"run": RUN})[0]["error"]["type"] == Cancelled.__name__


def test_a_run_keeps_its_files_from_looking_stale(site, monkeypatch):
    monkeypatch.setattr("jitnas_fn.worker.watch.KEEP_SECONDS", 0.0)
    kept = []
    monkeypatch.setattr("jitnas_fn.worker.board.Board.keep", lambda board: kept.append(set(board._own)))
    first, second = item_of(_four) | {"run": RUN}, item_of(_four, seed=1) | {"run": OTHER}
    results_of(first, second)
    assert {Run(first["key"], RUN), Run(second["key"], OTHER)} in kept
    assert {Run(second["key"], OTHER)} in kept


def test_closing_the_children_ends_what_they_were_at(site):
    item = item_of(_four, ENDLESS)
    thread, results = _in_background(site(), item)
    until(lambda: asked("status", keys=[item["key"]])["results"][0].get("epoch"))
    CHILDREN.close()
    thread.join(30)
    assert results[0]["error"]["type"] == WorkerLost.__name__
    assert results[0]["error"]["retryable"] is True


def test_a_child_whose_parent_is_gone_ends_even_in_the_middle_of_a_hang():
    pool = Children()
    with pool.borrowed(threads=1, fresh=True) as child:
        item = item_of(Bad("hang"), keyed=False)
        order = {"payload": item["payload"], "parts": item["parts"], "dataset": "synthetic", "recipe": item["recipe"]}
        child.send({**order, "limits": {}, "device": "cpu"})
        assert child.next_event(60)["event"] == "started"
        child._process.stdin.close()  # what the system does when the parent dies
        assert child._process.wait(30) == 0


def test_a_child_is_told_to_live_or_not_where_the_system_has_no_waitid(monkeypatch):
    monkeypatch.delattr(os, "waitid", raising=False)  # macOS, before Python 3.13
    with Children().borrowed(threads=1, fresh=True) as child:
        assert child.alive()
        child.check_lives()
        child.kill()
        assert not child.alive()
        with pytest.raises(WorkerLost, match="SIGKILL"):
            child.check_lives()


def test_a_killed_child_leaves_no_thread_behind_whatever_it_still_said(monkeypatch):
    monkeypatch.setattr("jitnas_fn.worker.children.MAX_WAITING", 3)
    with Children().borrowed(threads=1, fresh=True) as child:
        item = item_of(_four, ENDLESS)
        order = {"payload": item["payload"], "parts": item["parts"], "dataset": "synthetic", "recipe": item["recipe"]}
        child.send({**order, "limits": {}, "device": "cpu"})
        until(child._events.full)
    until(lambda: not any(reader.is_alive() for reader in child._readers))


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_ctrl_c_does_not_reach_the_children():
    with Children().borrowed(threads=1, fresh=True) as child:
        os.kill(child._process.pid, signal.SIGINT)
        item = item_of(_four)
        order = {"payload": item["payload"], "parts": item["parts"], "dataset": "synthetic", "recipe": item["recipe"]}
        child.send({**order, "limits": {}, "device": "cpu"})
        events = [child.next_event(60)["event"] for _ in range(3)]
    assert events == ["started", "built", "outcome"]


def test_a_python_that_cannot_start_is_a_loss(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(WorkerLost, match="no training process could be started"), Children().borrowed(threads=1, fresh=True):
        pytest.fail("there is none")


def test_a_child_that_cannot_import_says_why(monkeypatch):
    monkeypatch.setattr("jitnas_fn.worker.children._environment", lambda threads: {"PYTHONHOME": "/nowhere"})
    with pytest.raises(WorkerLost, match="ended by itself with exit status"), Children().borrowed(threads=1, fresh=True):
        pytest.fail("there is none")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_leaves_its_parents_children_alone():
    trained(item_of(_four))
    before = _idle()
    assert before
    pid = os.fork()
    if pid == 0:
        CHILDREN.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert trained(item_of(_four, seed=3)).verdict == "trained"
    assert _idle() == before


SCRIPT = """
    from tests.client.models import small
    from tests.worker.asking import item_of, trained

    class Mine(__import__("torch").nn.Sequential):
        def __init__(self):
            super().__init__(*small(outputs=4))

    print(trained(item_of(Mine)).verdict)
    print(trained(item_of(Mine, payload="cloudpickle")).verdict)
"""


def test_a_script_needs_no_main_guard_and_ends_by_itself(tmp_path):
    script, site_file = tmp_path / "script.py", tmp_path / "site.toml"
    script.write_text(textwrap.dedent(SCRIPT))
    site_file.write_text('accepts = ["graph", "cloudpickle"]\nthreads = 1\nfolder = "state"\n')
    environment = {**os.environ, "JITNAS_SITE": str(site_file), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=110, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["trained", "trained"]), done.stderr
