"""How searches go: a table that stays in place on a terminal, a line for each step anywhere else."""

import sys

from jitnas_fn.cli.counting import counting
from jitnas_fn.cli.live import live_table
from jitnas_fn.search.found import Step


def step(number, *, value=0.5, source="trained", again=False, point="64-64"):
    return Step(
        number=number,
        point=point,
        rung=0,
        key="0" * 64,
        value=value,
        best=value,
        source=source,
        again=again,
        seconds=0.0 if again else 2.0,
        clock=2.0,
    )


def on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for name, value in {"TERM": "xterm", "COLUMNS": "120", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)


def test_piped_each_step_is_a_line(capsys):
    with live_table() as show:
        show("evolution", 0, step(1))
        show("evolution", 1, step(2, value=None, source="failed"))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "evolution seed 0     1   0.5000  best  0.5000  trained  64-64"
    assert second.split() == ["evolution", "seed", "1", "2", "-", "best", "-", "failed", "64-64"]


def test_on_a_terminal_each_search_is_a_row_with_its_sums(capsys, monkeypatch):
    on_a_terminal(monkeypatch)
    with live_table() as show:
        for number in range(1, 4):
            show("evolution", 0, step(number, again=number == 3, point="[red]64[/red] " + "9" * 200))
        show("random_search", 7, step(1))
    shown = capsys.readouterr().err
    assert "trained" in shown
    assert "again" in shown
    last = shown[shown.rindex("random_search") - 200 :]
    assert "random_search" in last
    assert "[red]64[/red]" in shown  # a point is no markup


def test_a_count_is_a_bar_on_a_terminal_and_nothing_elsewhere(capsys, monkeypatch):
    on_a_terminal(monkeypatch)
    with counting("searches") as show:
        show(3, 4)
    assert "searches" in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with counting("searches") as show:
        show(3, 4)
    assert capsys.readouterr().err == ""
