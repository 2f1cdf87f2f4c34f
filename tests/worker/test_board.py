import json
import os
import time

import pytest

from jitnas_fn.core.errors import StoreError, TaskError
from jitnas_fn.worker import board as board_module
from jitnas_fn.worker.board import STALE_SECONDS, Board, Run

KEY, OTHER = "a" * 64, "opaque-12345678-1234-1234-1234-123456789abc"
RUN, SECOND = Run(KEY, "1" * 32), Run(KEY, "2" * 32)


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _age(path, seconds=STALE_SECONDS + 60):
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_shown_can_be_read(board):
    progress = {"epoch": 2, "epochs": 5, "metrics": {"validation": {"accuracy": 0.5}}, "seconds_left": 3.5}
    board.show(RUN, "training", progress=progress)
    status = board.read(KEY)
    assert status.pop("updated") > 1.7e9
    assert status == {"key": KEY, "run": RUN.token, "state": "training", "job": None, **progress}


@pytest.mark.parametrize("token", [None, "1" * 32])
def test_a_task_that_nobody_has_is_unknown(board, tmp_path, token):
    board.begin(RUN)
    assert board.read(OTHER, token) == {"key": OTHER, "state": "unknown"}
    assert board.cancel(OTHER) == {"key": OTHER, "state": "unknown"}
    assert _names(tmp_path) == [f"{RUN.stem}.status"]


def test_a_run_that_is_on_its_way_here_can_be_cancelled_before_it_begins(board, tmp_path):
    assert board.cancel(KEY, RUN.token) == {"key": KEY, "state": "cancelling"}
    board.begin(SECOND)
    board.begin(RUN)
    assert board.cancelled(RUN)
    assert not board.cancelled(SECOND)
    board.clear(RUN)
    board.clear(SECOND)
    assert _names(tmp_path) == []


def test_nobody_fills_the_folder_with_cancel_files(board, tmp_path, monkeypatch):
    monkeypatch.setattr(board_module, "MOST_FILES", 3)
    board.begin(RUN)
    for number in range(2):
        board.cancel(KEY, f"{number:032x}")
    for asked in (board, Board(tmp_path)):
        with pytest.raises(StoreError, match="cancelled: ask later"):
            asked.cancel(KEY, "f" * 32)
    assert board.cancel(KEY, RUN.token)["state"] == "cancelling"  # what is under way can be stopped all the same
    assert board.cancelled(RUN)


@pytest.mark.parametrize("token", [None, RUN.token])
def test_a_task_that_is_there_can_be_cancelled(board, token):
    board.begin(RUN)
    assert not board.cancelled(RUN)
    assert board.cancel(KEY, token)["state"] == "cancelling"
    assert board.cancelled(RUN)


def test_one_run_of_a_key_is_cancelled_and_the_other_is_not(board):
    board.begin(RUN)
    board.begin(SECOND)
    assert board.cancel(KEY, RUN.token)["run"] == RUN.token
    assert board.cancelled(RUN)
    assert not board.cancelled(SECOND)


def test_a_key_without_a_run_means_the_liveliest_and_cancels_all(board):
    for run in (RUN, SECOND):
        board.begin(run)
    board.show(RUN, "training")
    board.begin(Run.of(KEY))
    assert board.read(KEY)["run"] == RUN.token
    assert board.read(KEY, SECOND.token)["state"] == "queued"
    assert board.cancel(KEY)["state"] == "cancelling"
    assert board.cancelled(RUN)
    assert board.cancelled(SECOND)


def test_what_has_ended_leaves_no_file(board, tmp_path):
    board.show(RUN, "training")
    board.cancel(KEY)
    board.clear(RUN)
    board.clear(RUN)
    assert _names(tmp_path) == []


def test_what_ends_leaves_the_files_of_the_others(board, tmp_path):
    for run in (RUN, SECOND):
        board.begin(run)
    board.cancel(KEY)
    board.clear(RUN)
    assert _names(tmp_path) == [f"{SECOND.stem}.cancel", f"{SECOND.stem}.status"]
    assert board.cancelled(SECOND)


def test_cancel_files_of_others_do_nothing(board, tmp_path):
    for stale in (KEY, SECOND.stem):
        (tmp_path / f"{stale}.cancel").touch()
    board.begin(RUN)
    assert not board.cancelled(RUN)
    new = Run.of(KEY)
    board.begin(new)
    assert not board.cancelled(new)


def test_the_folder_is_swept_once_a_minute_and_not_at_each_message(tmp_path):
    Board(tmp_path)
    (tmp_path / f"{RUN.stem}.status").touch()
    _age(tmp_path / f"{RUN.stem}.status")
    Board(tmp_path)
    assert _names(tmp_path) == [f"{RUN.stem}.status"]


def test_a_run_that_is_gone_without_a_word_is_silent(board, tmp_path):
    board.show(RUN, "training")
    board.show(SECOND, "training")
    _age(tmp_path / f"{RUN.stem}.status", 200)
    assert board.read(KEY, RUN.token) == {"key": KEY, "state": "unknown"}
    assert board.read(KEY)["run"] == SECOND.token
    assert [one["state"] for one in board.every()] == ["training", "silent"]
    board.keep()
    assert board.read(KEY, RUN.token)["state"] == "training"


def test_what_was_sent_twice_keeps_the_files_of_who_has_it(board, tmp_path):
    board.show(RUN, "training")
    board.cancel(KEY, RUN.token)
    another = Board(tmp_path)  # of another process, which is told that the first one trains it
    another.begin(RUN)
    another.clear(RUN)
    assert board.cancelled(RUN)
    assert board.read(KEY, RUN.token)["state"] == "training"


def test_what_was_sent_again_takes_over_the_files_of_who_is_gone(board, tmp_path):
    board.show(RUN, "training")
    _age(tmp_path / f"{RUN.stem}.status", 200)
    another = Board(tmp_path)
    another.begin(RUN)
    assert board.read(KEY, RUN.token)["state"] == "queued"
    another.clear(RUN)
    assert _names(tmp_path) == []


def test_stale_files_are_swept_and_nobody_elses(board, tmp_path, monkeypatch):
    monkeypatch.setattr(board_module, "SWEEP_SECONDS", 0.0)
    stale = [f"{KEY}.status", f"{KEY}.cancel", f"{KEY}.12-34", f"{RUN.stem}.cancel", f"{RUN.stem}.12-34", f"{OTHER}.status"]
    others = ["notes.txt", "status", f"{KEY}.json", "b.status"]
    for name in (*stale, *others):
        (tmp_path / name).touch()
        _age(tmp_path / name)
    board.begin(SECOND)
    Board(tmp_path)
    assert _names(tmp_path) == sorted([*others, f"{SECOND.stem}.status"])


def test_what_is_kept_is_not_stale(board, tmp_path):
    board.begin(RUN)
    board.cancel(KEY)
    for path in tmp_path.iterdir():
        _age(path)
    board.keep()
    Board(tmp_path)
    assert board.cancel(KEY)["state"] == "cancelling"
    assert board.cancelled(RUN)


@pytest.mark.parametrize(
    "key", ["", "..", "../" + "a" * 61, "a" * 63, "A" * 64, "a" * 64 + "\n", "opaque-../../etc", "a/" * 32, "*", 5, None]
)
@pytest.mark.parametrize("act", ["read", "cancel"])
def test_what_is_no_key_never_becomes_a_path(board, tmp_path, act, key):
    for token in (None, RUN.token):
        with pytest.raises(TaskError, match="64 hexadecimal digits"):
            getattr(board, act)(key, token)
    with pytest.raises(TaskError, match="64 hexadecimal digits"):
        Run(key, RUN.token)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("token", ["", "..", "../" + "1" * 29, "1" * 31, "A" * 32, "1" * 32 + "\n", "*", 5])
@pytest.mark.parametrize("act", ["read", "cancel"])
def test_what_is_no_token_never_becomes_a_path(board, tmp_path, act, token):
    with pytest.raises(TaskError, match="a run is 32 hexadecimal digits"):
        getattr(board, act)(KEY, token)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": NaN}', "é", "{}" * 100_000, "{}", '{"key": 5, "state": "training"}'])
def test_a_damaged_status_is_as_good_as_none(board, tmp_path, text):
    (tmp_path / f"{RUN.stem}.status").write_bytes(text.encode("latin-1"))
    for token in (None, RUN.token):
        assert board.read(KEY, token)["state"] == "unknown"


def test_a_status_without_a_time_is_the_less_lively(board, tmp_path):
    (tmp_path / f"{RUN.stem}.status").write_text(json.dumps({"key": KEY, "state": "training", "updated": "now"}))
    assert board.read(KEY)["updated"] == "now"
    board.show(SECOND, "training")
    assert board.read(KEY)["run"] == SECOND.token


def test_a_status_that_cannot_be_written_stops_nothing(tmp_path):
    Board(tmp_path / "missing").show(RUN, "training")


def test_a_status_that_cannot_be_written_leaves_no_draft(board, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    board.show(RUN, "training")
    assert _names(tmp_path) == []


def test_a_cancel_file_that_cannot_be_written_is_an_error(board, tmp_path, monkeypatch):
    board.show(RUN, "training")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.touch", full)
    with pytest.raises(StoreError, match="No space left"):
        board.cancel(KEY)


def test_a_status_is_plain_json_for_other_programs(board, tmp_path):
    board.show(RUN, "queued")
    assert json.loads((tmp_path / f"{RUN.stem}.status").read_text())["epoch"] is None
