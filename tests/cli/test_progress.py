"""How a training is shown on standard error."""

import sys

import pytest

from jitnas_fn.cli import progress
from jitnas_fn.client import Evaluation, Status
from tests.samples import a_record

STATUS = {"state": "training", "epochs": 8, "metrics": {"validation": {"accuracy": 0.875, "loss": 0.5}}, "seconds_left": 4.5}


@pytest.mark.parametrize("terminal", [True, False])
def test_epoch_accuracy_and_time_left_are_shown(monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with progress._bar() if terminal else progress._lines() as show:
        for epoch in (None, 1, 1, 2):
            show(Status(epoch=epoch, **STATUS))
    out, err = capsys.readouterr()
    assert out == ""
    for told in ("training", "epoch 2/8", "accuracy 0.8750", "4 s left"):
        assert told in err


def test_what_a_bar_shows_is_no_markup(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress._bar() as show:
        show(Status(state="training", epoch=1, epochs=8, metrics={"validation": {"[red]\x1b[2Jaccuracy": 0.5}}))
    assert "[red]?[2Jaccuracy" in capsys.readouterr().err


def test_without_a_terminal_there_is_one_line_per_epoch(capsys):
    with progress._lines() as show:
        for epoch in (None, 1, 1, 2, 2, 5):
            show(Status(epoch=epoch, **STATUS))
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == ["1/8", "2/8", "5/8"]


def test_a_hit_shows_no_progress(capsys):
    evaluation = Evaluation("0" * 64)
    evaluation.finish(a_record(), "cache")
    assert progress.watched(evaluation, poll_seconds=0.1) == a_record(fixed_salt=evaluation.result().seal["salt"])
    assert capsys.readouterr() == ("", "")
