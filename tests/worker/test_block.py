"""The first process of a job: it sees its pool to an end, because it is told to or because a worker says so."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.worker import jobs_end
from jitnas_fn.worker.jobs_end import BLOCK
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals, no Slurm")
POOL = """
import os, pathlib, sys, time
from jitnas_fn.worker import jobs_end
from jitnas_fn.worker.board import Run
pathlib.Path("folder.new").write_text(os.environ["JITNAS_BLOCK"])
os.replace("folder.new", "folder")
"""
LIVES_ON = "time.sleep(60)"
LEAVES = "exec('while not jobs_end.is_ending(): time.sleep(0.02)')"
WORKS_AND_LEAVES = """
with jobs_end.at_work(Run("a" * 64, "b" * 32)):
    time.sleep(5)
    pathlib.Path("kept").touch()
"""
DIES_AT_WORK = """
if os.fork() == 0:
    at_work = jobs_end.at_work(Run("a" * 64, "b" * 32))
    at_work.__enter__()
    os._exit(9)
time.sleep(60)
"""


LEAVES_A_WORKER = """
import signal
if os.fork() == 0:
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    with jobs_end.at_work(Run("a" * 64, "b" * 32)):
        while not told:
            time.sleep(0.05)
        time.sleep(1)
        pathlib.Path("kept").touch()
    while True:
        time.sleep(1)
while not list(pathlib.Path(os.environ["JITNAS_BLOCK"]).iterdir()):
    time.sleep(0.05)
pathlib.Path("worker").write_text(next(pathlib.Path(os.environ["JITNAS_BLOCK"]).iterdir()).name.partition(".")[0])
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def block(tmp_path):
    """Begin a block whose pool does this, and wait until it does."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)}
    begun = []

    def begin(pool):
        command = [sys.executable, "-m", "jitnas_fn.worker.block", sys.executable, "-c", POOL + pool]
        begun.append(subprocess.Popen(command, cwd=tmp_path, env=environment))
        until(lambda: (tmp_path / "folder").exists())
        begin.folder = Path((tmp_path / "folder").read_text())
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def ended(running, seconds=30.0):
    """Its exit status, and how long it took."""
    began = time.monotonic()
    return running.wait(seconds), time.monotonic() - began


def test_it_ends_as_its_pool_does(block):
    assert ended(block("sys.exit(3)"))[0] == 3


def test_a_pool_that_is_killed_is_no_good_end(block):
    assert ended(block("os.kill(os.getpid(), 9)"))[0] == 128 + signal.SIGKILL


def test_told_to_end_the_pool_leaves_by_itself_and_that_is_a_good_end(block):
    running = block(LEAVES)
    running.send_signal(signal.SIGTERM)
    status, seconds = ended(running)
    assert (status, seconds < 2) == (0, True)
    assert not block.folder.exists()


def test_a_pool_that_does_not_leave_is_ended_soon_where_nothing_is_at_work(block):
    running = block(LIVES_ON)
    running.send_signal(signal.SIGTERM)
    status, seconds = ended(running)
    assert (status, seconds < 8) == (0, True)


def test_what_is_at_work_is_waited_for(block, tmp_path):
    running = block(WORKS_AND_LEAVES)
    until(lambda: list(block.folder.iterdir()))
    running.send_signal(signal.SIGTERM)
    assert ended(running)[0] == 0
    assert (tmp_path / "kept").exists()


def test_who_died_at_work_is_not_waited_for(block):
    running = block(DIES_AT_WORK)
    until(lambda: list(block.folder.iterdir()))
    running.send_signal(signal.SIGTERM)
    assert ended(running)[1] < 8


def test_what_a_killed_pool_leaves_at_work_keeps_its_epoch_and_ends_with_the_block(block, tmp_path):
    assert ended(block(LEAVES_A_WORKER))[0] == 128 + signal.SIGKILL
    assert (tmp_path / "kept").exists()
    with pytest.raises(ProcessLookupError):
        until(lambda: os.kill(int((tmp_path / "worker").read_text()), 0), seconds=5)


def test_a_folder_that_somebody_swept_away_costs_some_patience_and_no_block(tmp_path):
    assert jobs_end.is_at_work(tmp_path / "swept")
    assert not jobs_end.is_at_work(tmp_path)


def test_a_worker_may_say_that_the_job_is_to_end(block):
    running = block(LEAVES)
    (block.folder / "ending").touch()
    assert ended(running)[0] == 0


def test_a_block_has_a_folder_of_its_own(block, monkeypatch):
    monkeypatch.setenv(BLOCK, "another block's")  # also where it runs inside of one
    block(LIVES_ON)
    first = block.folder
    (block.folder.parents[0] / "folder").unlink()
    block(LIVES_ON)
    assert block.folder != first
