"""What a user's environment, or a job around us, says to sbatch, squeue and scancel; and how long they are waited for."""

import os
import subprocess
import sys
import time

import pytest

from jitnas_fn.backends._blocks import Blocks
from jitnas_fn.backends._commands import answer, surroundings
from tests.backends.scheduler import Scheduler

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Slurm runs on POSIX")
SLOW = f"{sys.executable} -c 'import time; time.sleep(60)'"


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("SQUEUE_PARTITION", False),
        ("SCANCEL_STATE", False),
        ("SBATCH_PARTITION", False),
        ("SBATCH_WAIT", False),
        ("SBATCH_ARRAY_INX", False),
        ("SBATCH_ACCOUNT", True),
        ("SLURM_ARRAY_JOB_ID", False),
        ("SLURM_CPUS_PER_TASK", False),
        ("SLURM_CONF", True),
        ("JITNAS_HOME", True),
    ],
)
def test_a_command_hears_what_the_site_file_leaves_open_and_nothing_else_of_its_surroundings(monkeypatch, name, stays):
    monkeypatch.setenv(name, "mine")
    assert (surroundings(["partition"]).get(name) == "mine") == stays


def test_a_command_that_takes_too_long_is_killed_with_all_it_has_started_and_has_failed():
    began = time.monotonic()
    code, said, told = answer(f'bash -c "{SLOW} & {SLOW}"', environment=dict(os.environ), seconds=0.5)
    assert time.monotonic() - began < 10
    assert (code, said, told) == (124, "", "no answer to bash within 0.5 s")


def test_a_command_that_is_not_there_has_failed():
    code, said, told = answer("nosuchcommand", environment=dict(os.environ), seconds=5)
    assert (code, said) == (127, "")
    assert "nosuchcommand" in told


@pytest.fixture
def provider(tmp_path, monkeypatch):
    pytest.importorskip("parsl")
    from jitnas_fn.backends._providers import provider_of

    monkeypatch.setenv("SQUEUE_PARTITION", "debug")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "7")
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    scheduler = Scheduler(tmp_path / "slurm", monkeypatch, limit=1)
    provider = provider_of(Blocks(gpus=0), site_file=tmp_path / "site.toml")
    provider.script_dir, provider.scheduler = str(tmp_path), scheduler
    return provider


def seen(provider, job, state, seconds=20):
    end = time.monotonic() + seconds
    while provider.status([job])[0].state.name != state:
        assert time.monotonic() < end, provider.status([job])[0].state
        time.sleep(0.1)
    return True


def test_a_users_own_filter_of_squeue_hides_no_block(provider):
    job = provider.submit("sleep 60", 1)
    assert seen(provider, job, "RUNNING")
    assert provider.cancel([job]) == [True]
    assert provider.scheduler.cancelled() == [job]


def test_a_block_does_not_take_itself_for_a_part_of_the_job_around_us(provider):
    job = provider.submit("env", 1)
    assert seen(provider, job, "COMPLETED")
    told = (provider.scheduler.folder / f"{job}.told").read_text().splitlines()
    assert [line for line in told if line.startswith("SLURM_")] == [f"SLURM_JOB_ID={job}"]


def test_a_job_that_squeue_has_never_shown_is_not_taken_for_ended_until_much_later(provider, monkeypatch):
    from jitnas_fn.backends import _providers

    job = provider.submit("true", 1)
    (provider.scheduler.folder / "bin" / "squeue").write_text("#!/bin/sh\n")
    provider._submitted[job] -= 60.0
    assert provider.status([job])[0].state.name == "PENDING"
    provider._submitted[job] -= _providers.NEWS_SECONDS
    assert provider.status([job])[0].state.name == "COMPLETED"


def test_a_job_that_squeue_does_not_show_any_more_has_ended(provider):
    job = provider.submit("sleep 60", 1)
    assert seen(provider, job, "RUNNING")
    subprocess.run(["scancel", job], check=True)
    (provider.scheduler.folder / "bin" / "squeue").write_text("#!/bin/sh\n")
    assert provider.status([job])[0].state.name == "COMPLETED"
