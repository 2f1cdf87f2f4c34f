"""What is done before the interpreter ends: whoever waits comes before whoever is waited for."""

import subprocess
import sys
import textwrap

import pytest

from jitnas_fn.core import at_exit


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setattr(at_exit, "_first", [])
    monkeypatch.setattr(at_exit, "_last", [])


def test_whoever_is_last_comes_after_all_others_however_they_were_registered(alone):
    done = []
    at_exit.at_exit(lambda: done.append("last"), last=True)
    at_exit.at_exit(lambda: done.append("first"))
    at_exit._run()
    assert done == ["first", "last"]


def test_what_fails_keeps_nobody_from_his_turn(alone, caplog):
    done = []
    at_exit.at_exit(lambda: done.append("kept"))
    at_exit.at_exit(lambda: 1 / 0)
    at_exit._run()
    assert done == ["kept"]
    assert "ZeroDivisionError" in caplog.text


def test_what_was_taken_back_is_not_done(alone):
    done = []

    def work():
        done.append("done")

    at_exit.at_exit(work, last=True)
    at_exit.not_at_exit(work)
    at_exit.not_at_exit(work)
    at_exit._run()
    assert done == []


def test_it_comes_before_threads_are_waited_for():
    script = """
        import threading
        from jitnas_fn.core.at_exit import at_exit
        over = threading.Event()
        threading.Thread(target=lambda: print("ended" if over.wait(20) else "waited")).start()
        at_exit(over.set, last=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "ended\n"
