import json
import os
import subprocess
import sys
import time

import pytest

from jitnas_fn.core.codec import parse
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.worker import processes
from jitnas_fn.worker.answers import answer
from jitnas_fn.worker.board import Board, Run
from jitnas_fn.worker.site import Site, use


@pytest.fixture
def folder(tmp_path):
    use(Site(folder=tmp_path))
    yield tmp_path
    use(None)


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def control(folder, identity=""):
    return processes.note(folder, profile="control", identity=identity, pid=os.getpid())


def told(**options):
    return Envelope.from_json(answer(Envelope("ping", {"processes": options}).to_json())).body["processes"]


def tokens(dead):
    return [one["token"] for one in dead]


def test_a_process_lives_until_it_is_killed_and_is_then_told_as_dead(folder, sleeper):
    control(folder)
    note = processes.note(folder, profile="train", pid=sleeper.pid)
    before = told()
    assert before["dead"] == []
    assert len(before["living"]) == 1
    assert 0 <= before["living"][0]["age_seconds"] < 30
    sleeper.kill()
    sleeper.wait()
    assert tokens(told()["dead"]) == [note.token]
    assert told()["living"] == []


def test_a_killed_process_is_dead_before_its_parent_has_noticed(folder, sleeper):
    control(folder)
    note = processes.note(folder, profile="train", pid=sleeper.pid)
    sleeper.kill()
    deadline = time.monotonic() + 10
    while note.lives and time.monotonic() < deadline:
        time.sleep(0.01)
    assert tokens(told()["dead"]) == [note.token]  # it is a zombie: nobody waited for it


def test_after_a_killed_process_the_endpoint_may_start_another_at_once(folder, sleeper):
    lock = folder / "daemon.pid"
    lock.write_text(f"{sleeper.pid}\n")
    control(folder)
    processes.note(folder, profile="train", pid=sleeper.pid, lock=lock)
    told()
    assert lock.exists()  # it lives
    sleeper.kill()
    sleeper.wait()
    told()
    assert not lock.exists()


def test_the_lock_of_the_process_that_came_after_a_dead_one_stays(folder, sleeper):
    lock = folder / "daemon.pid"
    lock.write_text(f"{os.getpid()}\n")
    control(folder)
    processes.note(folder, profile="train", pid=sleeper.pid, lock=lock)
    sleeper.kill()
    sleeper.wait()
    assert told()["dead"]
    assert lock.exists()


def test_a_pid_that_was_given_again_is_not_the_process_that_had_it(folder, sleeper):
    note = processes.note(folder, profile="train", pid=sleeper.pid)
    path = folder / "endpoints" / note.token
    path.write_text(path.read_text().replace(f'"started":{note.started}', f'"started":{note.started - 1}'))
    control(folder)
    assert tokens(told()["dead"]) == [note.token]


def test_only_processes_of_the_same_identity_are_told_of(folder, sleeper):
    processes.note(folder, profile="train", identity="ada", pid=sleeper.pid)
    control(folder, identity="bob")
    assert told() is None


def test_only_processes_with_the_same_options_are_told_of(folder, sleeper):
    control(folder)
    processes.note(folder, profile="train", options={"walltime": "02:00:00", "blocks": "2"}, pid=sleeper.pid)
    assert len(told(blocks=2, walltime="02:00:00")["living"]) == 1
    assert told() is told(blocks=3, walltime="02:00:00") is told(blocks=2) is None


def test_where_an_endpoint_does_not_say_its_options_all_its_processes_are_told_of(folder, sleeper):
    control(folder)
    processes.note(folder, profile="train", pid=sleeper.pid)
    assert len(told(blocks=2)["living"]) == len(told()["living"]) == 1


@pytest.mark.parametrize("options", [True, [], "x", 3])
def test_options_of_another_form_are_refused(folder, options):
    reply = Envelope.from_json(answer(Envelope("ping", {"processes": options}).to_json()))
    assert reply.error["type"] == "EnvelopeError"


def test_of_a_process_on_another_host_nothing_is_told(folder, sleeper):
    note = processes.note(folder, profile="train", pid=sleeper.pid)
    path = folder / "endpoints" / note.token
    path.write_text(path.read_text().replace(f'"host":"{note.host}"', '"host":"another"'))
    control(folder)
    assert told() is None


def test_a_run_is_stopped_over_a_control_path_by_whoever_knows_its_token(folder, monkeypatch):
    monkeypatch.setenv(processes.ROLE, "control")
    asked = {"keys": ["a" * 64]}
    assert Envelope.from_json(answer(Envelope("cancel", asked).to_json())).error["type"] == "NotAllowed"
    named = {**asked, "runs": ["1" * 32]}
    assert Envelope.from_json(answer(Envelope("cancel", named).to_json())).error is None


def test_over_a_control_path_a_key_alone_tells_no_token(folder, monkeypatch):
    Board(folder).begin(Run("a" * 64, "1" * 32))
    asked = Envelope("status", {"keys": ["a" * 64]}).to_json()
    assert Envelope.from_json(answer(asked)).body["results"][0]["run"] == "1" * 32
    monkeypatch.setenv(processes.ROLE, "control")
    told = Envelope.from_json(answer(asked)).body["results"][0]
    assert told["state"] == "queued"
    assert "run" not in told


def test_nothing_is_told_where_this_process_is_not_noted(folder, sleeper):
    processes.note(folder, profile="train", pid=sleeper.pid)
    assert told() is None


def test_a_plain_ping_tells_nothing(folder):
    assert Envelope.from_json(answer(Envelope("ping", {}).to_json())).body == {}


def test_notes_that_are_damaged_or_odd_are_passed_over(folder):
    control(folder)
    place = folder / "endpoints"
    (place / ("0" * 32)).write_text("{")
    (place / ("1" * 32)).write_text('{"pid":-4,"started":1,"noted":1}')
    (place / ("2" * 32)).write_text('{"pid":4,"started":1,"noted":1e400}')
    (place / "../x").write_text("not a note")
    assert told() is None


def test_notes_of_what_died_long_ago_go(folder, sleeper):
    note = processes.note(folder, profile="train", pid=sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    path = folder / "endpoints" / note.token
    os.utime(path, (time.time() - processes.KEPT_SECONDS - 10,) * 2)
    control(folder)
    assert not path.exists()


def test_whoever_lived_long_and_died_is_told_of_for_a_day(folder, sleeper):
    note = processes.note(folder, profile="train", pid=sleeper.pid)
    path = folder / "endpoints" / note.token
    fields = parse(path.read_text(), max_bytes=9999, error=ValueError, what="note")
    path.write_text(json.dumps({**fields, "noted": fields["noted"] - 30 * 24 * 3600}))
    os.utime(path, (time.time() - processes.KEPT_SECONDS - 10,) * 2)
    control(folder)
    assert told()["living"][0]["age_seconds"] > 29 * 24 * 3600  # and it is seen
    sleeper.kill()
    sleeper.wait()
    processes.note(folder, profile="train", pid=os.getpid())  # the next one begins
    assert tokens(told()["dead"]) == [note.token]


def test_when_a_dead_one_gave_its_last_sign_of_life_is_told_by_its_lock(folder, sleeper):
    lock = folder / "daemon.pid"
    lock.write_text(f"{sleeper.pid}\n")
    control(folder)
    note = processes.note(folder, profile="train", pid=sleeper.pid, lock=lock)
    os.utime(folder / "endpoints" / note.token, (time.time() - 5000,) * 2)
    os.utime(lock, (time.time() - 100,) * 2)
    sleeper.kill()
    sleeper.wait()
    for _ in range(2):  # also when the lock is gone
        (dead,) = told()["dead"]
        assert 99 < dead["silent_seconds"] < 130
    assert not lock.exists()


def test_an_option_that_a_note_does_not_know_hides_nobody(folder, sleeper):
    control(folder)
    processes.note(folder, profile="train", options={"walltime": "", "blocks": "2"}, pid=sleeper.pid)
    assert len(told(blocks=2, qos="long")["living"]) == 1
    assert told(blocks=2, walltime="02:00:00") is None


def test_the_command_of_an_endpoint_notes_its_parent(tmp_path):
    site = tmp_path / "site.toml"
    site.write_text(f'folder = "{tmp_path}"\n')
    chosen = "--options 'walltime=02%3A00%3A00&blocks=2&partition='"
    shell = f"exec {sys.executable} -m jitnas_fn.worker.processes train --identity ada {chosen}"
    subprocess.run(["sh", "-c", shell], env={**os.environ, "JITNAS_SITE": str(site)}, check=True)
    (note,) = processes._notes(tmp_path)
    assert (note.profile, note.identity, note.pid) == ("train", "ada", os.getpid())
    assert note.options == {"walltime": "02:00:00", "blocks": "2", "partition": ""}


@pytest.mark.parametrize("words", ["train 11111111-1111-4111-8111-111111111111", "train --newer x", "other", ""])
def test_a_template_of_another_version_stops_no_endpoint(tmp_path, words):
    site = tmp_path / "site.toml"
    site.write_text(f'folder = "{tmp_path}"\n')
    shell = f"exec {sys.executable} -m jitnas_fn.worker.processes {words}"
    subprocess.run(["sh", "-c", shell], env={**os.environ, "JITNAS_SITE": str(site)}, check=True)


def test_a_process_that_cannot_be_noted_starts_all_the_same(tmp_path):
    site = tmp_path / "site.toml"
    site.write_text("folder = 3\n")
    command = [sys.executable, "-m", "jitnas_fn.worker.processes", "train"]
    done = subprocess.run(command, env={**os.environ, "JITNAS_SITE": str(site)}, capture_output=True, text=True, check=True)
    assert "cannot note this process" in done.stderr


def test_a_control_path_refuses_to_train(folder, monkeypatch):
    monkeypatch.setenv(processes.ROLE, "control")
    reply = Envelope.from_json(answer(Envelope("train", {"tasks": []}).to_json()))
    assert reply.error["type"] == "NotAllowed"
    assert "the profile for that is train" in reply.error["message"]
    monkeypatch.setenv(processes.ROLE, "train")
    assert Envelope.from_json(answer(Envelope("train", {"tasks": []}).to_json())).body == {"results": []}


def test_of_more_notes_than_are_read_the_newest_are(folder, sleeper, monkeypatch):
    monkeypatch.setattr(processes, "MOST_NOTES", 2)
    for number in range(5):
        note = processes.note(folder, profile="train", pid=sleeper.pid)
        os.utime(folder / "endpoints" / note.token, (number + 1,) * 2)
    processes.note(folder, profile="train", pid=sleeper.pid)
    control(folder)
    assert len(told()["living"]) == 1
