"""A script waits for its trainings when it ends, one that fails stops them, a session at the prompt ends as its user wants."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jitnas_fn.client import endings
from jitnas_fn.stores.tinydb import TinyStore


class Noted:
    stopped = closed = False
    interrupted = False

    def __len__(self):
        return 2

    def stop(self):
        self.stopped = True

    def close(self):
        if self.interrupted:
            raise KeyboardInterrupt
        self.closed = True


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(endings, "_open", [noted := Noted()])
    monkeypatch.delattr(sys, "last_type", raising=False)
    monkeypatch.delattr(sys, "ps1", raising=False)
    return noted


@pytest.mark.parametrize("error", [KeyboardInterrupt, NameError])
def test_a_script_that_fails_stops_its_trainings(client, monkeypatch, error):
    monkeypatch.setattr(sys, "last_type", error, raising=False)
    endings._at_exit()
    assert client.stopped


def test_a_normal_end_waits_and_says_so(client, capsys):
    endings._at_exit()
    assert client.closed
    assert not client.stopped
    assert capsys.readouterr().err == "waiting for 2 evaluations that are not done; ctrl-C cancels them\n"


def test_ctrl_c_ends_that_wait(client):
    client.interrupted = True
    endings._at_exit()
    assert client.stopped


def test_a_typo_at_the_prompt_stops_nothing_when_the_session_ends(client, monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys, "last_type", NameError, raising=False)
    endings._at_exit()
    assert not client.stopped
    assert not client.closed


SCRIPT = """
    import atexit, threading, time
    from concurrent.futures import Executor, Future
    from jitnas_fn import Client
    from jitnas_fn.stores.tinydb import TinyStore
    from jitnas_fn.worker.entry import run_task
    from tests.client.models import small

    class Distant(Executor):
        # No thread of the standard library's pools: nobody but the client waits for it.
        def submit(self, function, text):
            reply = Future()
            def answer():
                time.sleep(1)
                reply.set_result(run_task(text))
            threading.Thread(target=answer, daemon=True).start()
            return reply

    Client(store=TinyStore("cache"), executor=Distant()).submit(small, dataset="digits", recipe="instant")
"""


def test_what_a_script_submits_at_its_end_is_waited_for(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", textwrap.dedent(SCRIPT)], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert len(TinyStore(tmp_path / "cache")) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_fork_waits_for_nothing_of_its_parents():
    noted = Noted()
    endings.see_to_the_end(noted)
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(len(endings._open))
        finally:
            os._exit(99)
    assert os.waitpid(pid, 0)[1] == 0
