import json

import pytest

from jitnas_fn.core.errors import StoreError, TaskError
from jitnas_fn.worker.board import Board

KEY, OTHER = "a" * 64, "opaque-12345678-1234-1234-1234-123456789abc"


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def test_what_is_shown_can_be_read(board):
    progress = {"epoch": 2, "epochs": 5, "metrics": {"validation": {"accuracy": 0.5}}, "seconds_left": 3.5}
    board.show(KEY, "training", progress=progress)
    status = board.read(KEY)
    assert status.pop("updated") > 1.7e9
    assert status == {"key": KEY, "state": "training", **progress}


def test_a_task_that_nobody_has_is_unknown_and_cannot_be_cancelled(board, tmp_path):
    assert board.read(OTHER) == {"key": OTHER, "state": "unknown"}
    assert board.cancel(OTHER) == {"key": OTHER, "state": "unknown"}
    assert not board.cancelled(OTHER)
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_is_there_can_be_cancelled(board):
    board.show(KEY, "queued")
    assert not board.cancelled(KEY)
    assert board.cancel(KEY)["state"] == "cancelling"
    assert board.cancelled(KEY)


def test_what_has_ended_leaves_no_file(board, tmp_path):
    board.show(KEY, "training")
    board.cancel(KEY)
    board.clear(KEY)
    board.clear(KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "key", ["", "..", "../" + "a" * 61, "a" * 63, "A" * 64, "a" * 64 + "\n", "opaque-../../etc", "a/" * 32, 5, None]
)
@pytest.mark.parametrize("act", ["read", "cancel", "cancelled", "clear"])
def test_what_is_no_key_never_becomes_a_path(board, tmp_path, act, key):
    with pytest.raises(TaskError, match="64 hexadecimal digits"):
        getattr(board, act)(key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": NaN}', "é", "{}" * 100_000])
def test_a_damaged_status_is_as_good_as_none(board, tmp_path, text):
    (tmp_path / f"{KEY}.status").write_bytes(text.encode("latin-1"))
    assert board.read(KEY)["state"] == "unknown"


def test_a_status_that_cannot_be_written_stops_nothing(tmp_path):
    Board(tmp_path / "missing").show(KEY, "training")


def test_a_cancel_file_that_cannot_be_written_is_an_error(board, tmp_path, monkeypatch):
    board.show(KEY, "training")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.touch", full)
    with pytest.raises(StoreError, match="No space left"):
        board.cancel(KEY)


def test_a_status_is_plain_json_for_other_programs(board, tmp_path):
    board.show(KEY, "queued")
    assert json.loads((tmp_path / f"{KEY}.status").read_text())["epoch"] is None
