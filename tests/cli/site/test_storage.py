"""What a folder must be able to do, and what is said where it cannot."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jitnas_fn.cli.site import _storage
from jitnas_fn.cli.site._finding import FAIL, OK, WARN
from jitnas_fn.cli.site._storage import storage


def states(folder):
    return [(finding.subject, finding.state) for finding in storage(folder)]


@pytest.fixture(autouse=True)
def room(monkeypatch):
    """Room enough, whatever the disk of this machine has."""
    free(monkeypatch, 1e12)


def free(monkeypatch, count):
    monkeypatch.setattr(_storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=count))


def test_a_folder_that_can_all_of_it_is_well_and_left_as_it_was(tmp_path):
    (finding,) = storage(tmp_path)
    assert (finding.state, finding.met) == (OK, f"{tmp_path}: fsync, link, rename and O_EXCL work")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_tried_above_and_not_made(tmp_path):
    (finding,) = storage(tmp_path / "a" / "b")
    assert finding.met.startswith(f"{tmp_path}/a/b, to be made in {tmp_path}: ")
    assert list(tmp_path.iterdir()) == []


def test_a_path_of_another_machine_is_told():
    (finding,) = storage(Path("/nobackup-of-another-machine/site"))
    assert (finding.state, finding.met.endswith("nothing of this path is on this machine")) == (FAIL, True)


def refuse(*_, **__):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("name", ["fsync", "link", "open", "write"])
def test_what_a_file_system_refuses_is_told_and_nothing_stays(name, tmp_path, monkeypatch):
    monkeypatch.setattr(_storage.os, name, refuse)
    (finding,) = storage(tmp_path)
    assert (finding.state, finding.met) == (FAIL, f"{tmp_path}: [Errno 1] Operation not permitted")
    assert "on storage that this account may write to" in finding.todo
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_copies_instead_of_linking_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(_storage.os, "link", lambda source, target: target.write_bytes(source.read_bytes()))
    (finding,) = storage(tmp_path)
    assert finding.met.endswith("a linked file has 1 links, not 2")


def test_a_file_system_that_links_over_what_is_there_is_found_out(tmp_path, monkeypatch):
    real = os.link
    monkeypatch.setattr(_storage.os, "link", lambda source, target: None if target.exists() else real(source, target))
    (finding,) = storage(tmp_path)
    assert finding.met.endswith("the same link was made twice")


def test_a_file_system_without_o_excl_is_found_out(tmp_path, monkeypatch):
    real = os.open
    monkeypatch.setattr(_storage.os, "open", lambda path, flags, mode: real(path, flags & ~os.O_EXCL, mode))
    (finding,) = storage(tmp_path)
    assert finding.met.endswith("O_EXCL made the same file twice")


@pytest.mark.parametrize(
    ("behind", "expected"),
    [(0, []), (-5, []), (30, [("clock", WARN)]), (-30, [("clock", WARN)]), (90, [("clock", FAIL)]), (-90, [("clock", FAIL)])],
)
def test_clocks_may_be_a_minute_apart(behind, expected, tmp_path, monkeypatch):
    real = _storage.time.time
    monkeypatch.setattr(_storage.time, "time", lambda: real() + behind)
    assert states(tmp_path) == [*expected, ("storage", OK)]


@pytest.mark.parametrize(("count", "expected"), [(1e8, [("space", FAIL)]), (5e9, [("space", WARN)]), (2e10, [])])
def test_little_room_is_told_before_there_is_none(count, expected, tmp_path, monkeypatch):
    free(monkeypatch, count)
    assert states(tmp_path) == [*expected, ("storage", OK)]


def test_a_slow_disk_is_told(tmp_path, monkeypatch):
    times = iter([0.0, 3.0])
    monkeypatch.setattr(_storage.time, "monotonic", lambda: next(times))
    assert states(tmp_path) == [("storage", WARN), ("storage", OK)]


def test_another_account_tells_it_as_json(tmp_path):
    command = [sys.executable, "-m", "jitnas_fn.cli.site._storage", str(tmp_path), "/proc/none"]
    found = json.loads(subprocess.check_output(command, timeout=60))
    assert [finding["state"] for finding in found if finding["subject"] == "storage"] == ["ok", "fail"]
