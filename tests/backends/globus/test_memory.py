"""Which task of the service carries which message: kept on disk for a process that comes later."""

import os
import time

import pytest

from jitnas_fn.backends._globus import memory
from jitnas_fn.backends._globus.memory import Memory

TASK = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


def test_what_one_process_has_noted_the_next_recalls_once(tmp_path):
    Memory(tmp_path).note({"a": TASK, "b": OTHER})
    later = Memory(tmp_path)
    found = later.recall("a")
    assert found.task == TASK
    assert 0 <= found.age_seconds < 60
    assert later.recall("a") is None
    assert later.recall("b").task == OTHER
    assert later.recall("c") is None


def test_what_was_sent_again_is_known_by_its_latest_task(tmp_path):
    first = Memory(tmp_path)
    first.note({"a": TASK})
    first.note({"a": OTHER})
    assert Memory(tmp_path).recall("a").task == OTHER


def test_a_process_does_not_recall_what_it_has_noted_itself(tmp_path):
    own = Memory(tmp_path)
    own.note({"a": TASK})
    assert own.recall("a") is None


def test_what_has_ended_is_forgotten(tmp_path):
    own = Memory(tmp_path)
    own.note({"a": TASK})
    own.forget()
    assert list(tmp_path.iterdir()) == []
    assert Memory(tmp_path).recall("a") is None


def test_what_is_too_old_goes(tmp_path):
    Memory(tmp_path).note({"a": TASK})
    (path,) = tmp_path.iterdir()
    os.utime(path, (time.time() - memory.KEPT_SECONDS - 1,) * 2)
    assert Memory(tmp_path).recall("a") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"letter":"a","task":"../x","at":1}', '{"letter":3,"task":4}', '{"at":1e999}', "\0"]
)
def test_lines_that_are_torn_or_hostile_count_for_nothing(tmp_path, line):
    (tmp_path / "1-x.jsonl").write_text(f"{line}\n")
    assert Memory(tmp_path).recall("a") is None


def test_a_disk_that_refuses_stops_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    Memory(tmp_path / "file" / "folder").note({"a": TASK})
    assert "cannot be taken up later" in caplog.text
