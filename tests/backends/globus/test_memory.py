"""Which task of the service carries which message: kept on disk for a process that comes later."""

import os
import time

import pytest

from jitnas_fn.backends._globus import memory
from jitnas_fn.backends._globus.memory import Carried, Memory

TASK = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch):
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)


def carried(task, age_seconds=0.0):
    return Carried(task, age_seconds)


def test_what_one_process_has_noted_the_next_recalls_once(tmp_path):
    Memory(tmp_path).note({"a": carried(TASK), "b": carried(OTHER)})
    later = Memory(tmp_path)
    found = later.recall("a")
    assert found.task == TASK
    assert 0 <= found.age_seconds < 60
    assert later.recall("a") is None
    assert later.recall("b").task == OTHER
    assert later.recall("c") is None


def test_what_was_sent_again_is_known_by_its_latest_task(tmp_path):
    first = Memory(tmp_path)
    first.note({"a": carried(TASK)})
    first.note({"a": carried(OTHER)})
    assert Memory(tmp_path).recall("a").task == OTHER


def test_a_process_does_not_recall_what_it_has_noted_itself(tmp_path):
    own = Memory(tmp_path)
    own.note({"a": carried(TASK)})
    assert own.recall("a") is None


def test_with_the_last_answer_the_file_goes(tmp_path):
    own = Memory(tmp_path)
    own.note({"a": carried(TASK), "b": carried(OTHER)})
    own.forget("a")
    assert Memory(tmp_path).recall("b").task == OTHER
    own.forget("b")
    assert list(tmp_path.iterdir()) == []
    assert Memory(tmp_path).recall("a") is None


def test_what_another_process_notes_later_is_recalled_too(tmp_path):
    later, first = Memory(tmp_path), Memory(tmp_path)
    assert later.recall("a") is None
    first.note({"a": carried(TASK)})
    assert later.recall("a").task == TASK
    first.note({"b": carried(OTHER)})
    assert later.recall("b").task == OTHER
    assert later.recall("a") is None  # once


def test_what_was_read_is_not_read_again(tmp_path, monkeypatch):
    read = []
    task_in = memory._task_in
    monkeypatch.setattr(memory, "_task_in", lambda line: (read.append(line), task_in(line))[1])
    first, later = Memory(tmp_path), Memory(tmp_path)
    for number in range(10):
        first.note({str(number): carried(TASK)})
        later.recall("x")
    assert len(read) == 10
    monkeypatch.setattr(memory, "LOOK_SECONDS", 3600.0)
    first.note({"b": carried(OTHER)})
    assert later.recall("b") is None  # not even looked at


def test_a_line_that_is_being_written_is_read_when_it_is_whole(tmp_path):
    path, later = tmp_path / "1-x.jsonl", Memory(tmp_path)
    line = f'{{"at":1,"letter":"a","task":"{TASK}"}}\n'
    path.write_text(line[:20])
    assert later.recall("a") is None
    path.write_text(line)
    assert later.recall("a").task == TASK


def test_of_two_tasks_the_later_carries_it(tmp_path):
    for name, task, at in (("900-x", TASK, 1000), ("1000-x", OTHER, 2000), ("500-x", TASK, 1500)):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"at":{at},"letter":"a","task":"{task}"}}\n')
    assert Memory(tmp_path).recall("a").task == OTHER


def test_a_file_does_not_grow_with_what_was_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ROOM_LINES", 20)
    own, later = Memory(tmp_path), Memory(tmp_path)
    own.note({"first": carried(OTHER)})
    for number in range(200):
        own.note({str(number): carried(TASK)})
        assert later.recall(str(number)).task == TASK
        own.forget(str(number))
        (path,) = tmp_path.iterdir()
        assert len(path.read_text().splitlines()) <= 30
    assert later.recall("first").task == OTHER
    own.forget("first")
    assert list(tmp_path.iterdir()) == []


def test_how_long_the_service_has_had_it_is_handed_on(tmp_path):
    first = Memory(tmp_path)
    first.note({"a": carried(TASK, age_seconds=5000.0)})
    found = Memory(tmp_path).recall("a")
    assert 5000 <= found.age_seconds < 5060


def test_a_large_file_is_read_piece_by_piece(tmp_path, monkeypatch):
    Memory(tmp_path).note({str(number): carried(TASK) for number in range(10)})
    monkeypatch.setattr(memory, "MOST_BYTES", 300)
    later = Memory(tmp_path)
    assert later.recall("9") is None
    for _ in range(10):
        later.recall("x")
    assert later.recall("9").task == TASK


def test_what_is_too_old_goes(tmp_path):
    Memory(tmp_path).note({"a": carried(TASK)})
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
    Memory(tmp_path / "file" / "folder").note({"a": carried(TASK)})
    assert "cannot be taken up later" in caplog.text
