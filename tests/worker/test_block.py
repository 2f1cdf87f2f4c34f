"""The first process of a job: it sees its pool to an end, because it is told to or because a worker asks for it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.worker.board import Board, Run
from tests.worker.watching import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals, no Slurm")
RUN = Run("a" * 64, "b" * 32)
LIVES_ON = "import os, pathlib, time; pathlib.Path('pool').write_text(os.environ['JITNAS_BLOCK']); time.sleep(60)"
SECONDS = 0.8  # in which a block has looked


@pytest.fixture
def block(tmp_path):
    """Begin a block in job 4711, whose pool does this; with its `folder`, where the pool writes `pool`."""
    (tmp_path / "site.toml").write_text(f'folder = "{tmp_path}"\n')
    environment = {
        **os.environ,
        "JITNAS_SITE": str(tmp_path / "site.toml"),
        "SLURM_JOB_ID": "4711",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    begun = []

    def begin(pool=LIVES_ON):
        command = [sys.executable, "-m", "jitnas_fn.worker.block", sys.executable, "-c", pool]
        begun.append(subprocess.Popen(command, cwd=tmp_path, env=environment))
        until(lambda: (tmp_path / "pool").exists() or begun[-1].poll() is not None)
        return begun[-1]

    begin.folder, begin.ending = tmp_path, tmp_path / "4711.ending"
    yield begin
    for process in begun:
        process.kill()
        process.wait()


def test_it_ends_as_its_pool_does(block):
    assert block("raise SystemExit(3)").wait(20) == 3


def test_nothing_is_begun_in_a_job_that_is_told_to_end(block):
    running = block()
    running.send_signal(signal.SIGTERM)
    until(block.ending.exists)
    assert running.wait(20) == 128 + signal.SIGKILL
    assert not block.ending.exists()


def test_told_to_end_it_waits_for_what_is_at_work(block, monkeypatch):
    running = block()
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    board = Board(block.folder)
    board.begin(RUN)
    running.send_signal(signal.SIGTERM)
    until(block.ending.exists)
    time.sleep(2.0)
    assert running.poll() is None
    board.clear(RUN)
    running.wait(20)


def test_a_worker_asks_for_the_end_and_what_is_at_work_beside_it_goes_on(block, monkeypatch):
    running = block()
    assert (block.folder / "pool").read_text() == "1"  # by which a worker knows that it may ask
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    board = Board(block.folder)
    board.begin(RUN)
    block.ending.touch()
    time.sleep(2.0)
    assert running.poll() is None
    board.clear(RUN)
    running.wait(20)
    assert not block.ending.exists()


def test_what_another_job_is_asked_is_none_of_its_business(block):
    running = block()
    (block.folder / "4712.ending").touch()
    time.sleep(2 * SECONDS)
    assert running.poll() is None


def test_a_job_that_is_requeued_begins_anew(block):
    block.ending.touch()
    running = block()
    time.sleep(2 * SECONDS)
    assert running.poll() is None
    assert not block.ending.exists()
