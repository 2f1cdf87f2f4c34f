"""What a command finds in the seat of a user or an administrator, and that a job which is submitted there is ours."""

import os
import subprocess
import sys

import pytest

from tests.site.cluster import ROOT
from tests.site.hosted import marks
from tests.site.hosted.agent import Agent
from tests.site.hosted.client import ME
from tests.site.hosted.namespaces import NOBODY, obstacle
from tests.site.processes import command_line, end
from tests.waiting import until


@pytest.fixture(params=["user", "administrator"])
def seat(request):
    if reason := obstacle(request.param):
        pytest.skip(reason)
    return request.param


def seated(seat, *command, **more):
    run = [sys.executable, "-m", "tests.site.hosted.namespaces", seat, *command]
    return subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, **more)


def test_somebody_else_sits_there_and_reads_what_we_may_read(seat, tmp_path):
    (tmp_path / "secret").write_text("kept")
    (tmp_path / "secret").chmod(0o600)
    code = f"import os; print(os.getuid(), open('{tmp_path}/secret').read())"
    usual = os.geteuid() or NOBODY
    assert seated(seat, sys.executable, "-c", code).stdout.split() == [str({"user": usual, "administrator": 0}[seat]), "kept"]


def test_the_exit_status_is_that_of_the_command(seat):
    assert seated(seat, "sh", "-c", "exit 7").returncode == 7
    assert "no-such-program" in seated(seat, "no-such-program").stderr


def test_what_a_command_leaves_behind_stays_below_its_seat_which_waits_for_it(seat):
    command = ["sh", "-c", "(setsid sleep 600 & setsid sleep 601 &); exit 3"]
    run = subprocess.Popen([sys.executable, "-m", "tests.site.hosted.namespaces", seat, *command], cwd=ROOT)

    def left():
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if below(pid) == run.pid]  # noqa: PTH208

    def below(pid):
        return marks.parent_of(pid) if command_line(pid).startswith("sleep") else None

    until(lambda: len(left()) == 2)
    assert run.poll() is None
    end(left)
    assert run.wait(10) == 3


def test_a_job_that_an_agent_submits_is_of_whoever_runs_the_tests(idle, hosted, seat):
    (hosted.folder / "agents" / seat).mkdir(parents=True)
    agent = Agent(
        hosted, hosted.folder / "agents", seat, client_id=ME, as_root=seat == "administrator", environment=idle.environment
    )
    asked = ["sbatch", "--parsable", f"--output={idle.folder}/jobs/%j.out", "--wrap", "id -u"]
    run = seated("user", *asked, env=agent.environment)
    assert run.returncode == 0, run.stderr
    idle.wait_for(run.stdout.strip(), "COMPLETED")
    assert idle.output(run.stdout.strip()) == f"{os.geteuid()}\n"
