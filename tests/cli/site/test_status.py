"""`jitnas site status`: what there is, as files, the service and the scheduler tell it."""

import json
import os

import pytest

from jitnas_fn.core.errors import SiteUnavailable
from jitnas_fn.worker.board import Board, Run

ID = "abcdef12-0000-4000-8000-000000000000"
GONE = 2**22 + 1  # above the largest process number that Linux gives out


@pytest.fixture
def known(endpoint):
    """An endpoint that has its id."""
    folder = endpoint()
    (folder / "endpoint.json").write_text(json.dumps({"endpoint_id": ID}))
    return folder


def told(jitnas, *words):
    code, out, err = jitnas("site", "status", "--json", *words)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_of_a_new_endpoint_it_says_what_is_missing(jitnas, endpoint, service):
    folder = endpoint()
    code, out, _ = jitnas("site", "status")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert code == 0
    assert lines["endpoint"] == "here, without an id yet"
    assert lines["function"] == "none registered: jitnas site register here"
    assert lines["agent"] == "not running: globus-compute-endpoint start here"
    assert lines["service"].startswith("not known: it gets its id when the agent is started")
    assert lines["started"] == "nothing"
    assert lines["site"].startswith(f"here: the folder {folder.parents[1]}/site is not there")


def test_an_endpoint_at_work_is_told_with_its_processes(jitnas, known, service, alive):
    alive(known)
    for name, trains in [(f"uep.{ID}.1", True), ("uep.abcdef12.2", False), ("uep.99999999.3", True)]:
        alive(known.parent / name)
        if trains:
            (known.parent / name / "submit_scripts").mkdir()
    found = told(jitnas)
    assert found["agent"]["state"] == "running"
    assert found["service"] == {"state": "online", "reason": None}
    started = {one["name"]: one["profile"] for one in found["started"]}
    assert started == {f"uep.{ID}.1": "train", "uep.abcdef12.2": "control"}
    text = jitnas("site", "status")[1]
    assert f"agent      running, process {os.getpid()}\n" in text
    assert f"started    train (process {os.getpid()}), control (process {os.getpid()})\n" in text


def test_an_agent_on_another_machine_is_told_apart_from_one_that_is_gone(jitnas, known, service, alive):
    alive(known, pid=GONE)
    assert told(jitnas)["agent"]["state"] == "elsewhere"
    assert "running on another machine" in jitnas("site", "status")[1]
    old = (known / "daemon.pid").stat().st_mtime - 100
    os.utime(known / "daemon.pid", (old, old))
    assert told(jitnas)["agent"]["state"] == "stopped"


@pytest.mark.parametrize("text", ["", "x", "999999999999999999999999", "-5", "0"])
def test_a_damaged_pid_file_is_told_and_harms_nothing(text, jitnas, known, service):
    (known / "daemon.pid").write_text(text)
    assert told(jitnas)["agent"]["state"] in ("stopped", "elsewhere")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"endpoint_id": null}'])
def test_a_damaged_id_is_none(text, jitnas, known, service):
    (known / "endpoint.json").write_text(text)
    assert told(jitnas)["endpoint_id"] is None


def test_a_service_that_does_not_answer_hides_nothing_else(jitnas, known, service, alive):
    alive(known)
    service.failure = ConnectionError("no route\x1b[2J to host")
    found = told(jitnas)
    assert (found["service"]["state"], found["agent"]["state"]) == (None, "running")
    text = jitnas("site", "status")[1]
    assert "service    not known: the Globus Compute service answers ConnectionError: no route?[2J to host" in text


def test_whoever_is_not_logged_in_is_told_and_not_asked(jitnas, known, monkeypatch):
    def nobody(*, may_ask):
        assert may_ask is False
        raise SiteUnavailable("nobody is logged in: jitnas site login")

    monkeypatch.setattr("jitnas_fn.cli.site.status.service", nobody)
    assert told(jitnas)["service"]["reason"] == "nobody is logged in: jitnas site login"


def test_trainings_and_jobs_are_those_of_the_site(jitnas, known, service, tmp_path, monkeypatch, programs):
    from jitnas_fn.worker import blocks

    programs("squeue", "echo PENDING 2026-01-01T00:00:00 N/A Priority")
    monkeypatch.setattr(blocks, "_SIGHT", blocks._Sight())
    (tmp_path / "site").mkdir()
    Board(tmp_path / "site").begin(Run("a" * 64, "1" * 32))
    found = told(jitnas)["under_way"]
    assert (found["site"], len(found["runs"]), found["blocks"]["pending"]) == ("here", 1, 1)
    assert "site       here: 0 training, 1 queued; jobs: 0 running, 1 pending (Priority)" in jitnas("site", "status")[1]


def test_a_site_file_that_cannot_be_read_is_told(jitnas, known, service):
    (known / "site.toml").write_text("?")
    assert told(jitnas)["under_way"] is None
    assert "its file cannot be read: jitnas site doctor" in jitnas("site", "status")[1]
