"""`jitnas watch`: a live table on a terminal, a line a minute anywhere else."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from jitnas_fn.cli.commands import watch
from jitnas_fn.worker.board import Board, Run

RUN, OTHER = Run("a" * 64, "1" * 32), Run("b" * 64, "2" * 32)
PATIENCE_SECONDS = 30.0


@pytest.fixture
def site(tmp_path):
    (tmp_path / "worker").mkdir()
    path = tmp_path / "site.toml"
    path.write_text('name = "here"\nfolder = "worker"\n')
    return path


@pytest.fixture
def board(site):
    """One run that trains."""
    board = Board(site.parent / "worker")
    show(board, epoch=3)
    return board


def show(board, *, epoch):
    board.show(RUN, "training", progress={"epoch": epoch, "epochs": 9, "metrics": {"validation": {"accuracy": 0.5}}})


class Clock:
    """Time that passes only while somebody sleeps, and what then happens, by the second."""

    def __init__(self, events):
        self.now, self.events = 0, events

    def monotonic(self):
        return float(self.now)

    def time(self):
        return float(self.now)

    def strftime(self, form):
        return time.strftime(form, time.gmtime(self.now))

    def sleep(self, seconds):
        self.now += round(seconds)
        self.events.get(self.now, lambda: None)()


def interrupted():
    raise KeyboardInterrupt


def test_where_it_is_piped_there_is_a_line_a_minute_until_it_is_interrupted(jitnas, site, board, monkeypatch):
    monkeypatch.setattr(watch, "time", Clock({30: lambda: board.begin(OTHER), 90: lambda: board.clear(RUN), 150: interrupted}))
    code, out, err = jitnas("watch", "--site", site)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "00:00  here: 1 training, 0 queued",
        "00:01  here: 1 training, 1 queued",
        "00:02  here: 0 training, 1 queued",
    ]


def test_it_ends_when_nothing_is_under_way_only_if_that_was_asked_for(jitnas, site, board, monkeypatch):
    for words, lines in ((["--until-idle"], ["00:00", "00:00"]), ([], ["00:00", "00:01"])):
        show(board, epoch=3)
        monkeypatch.setattr(watch, "time", Clock({20: lambda: board.clear(RUN), 70: interrupted}))
        code, out, _ = jitnas("watch", "--site", site, *words)
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == lines
        assert out.splitlines()[-1].endswith("here: 0 training, 0 queued")


class Terminal:
    """A process whose standard output is a terminal, and what it has shown there so far."""

    def __init__(self, *words):
        self._master, slave = pytest.importorskip("pty").openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
        command = [sys.executable, "-m", "jitnas_fn", *map(str, words)]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        os.set_blocking(self._master, False)
        self._read_so_far = b""

    @property
    def shown(self):
        return self._read_so_far.decode("utf-8", "replace")

    def until(self, condition):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, self.shown[-2000:]
            time.sleep(0.02)
            self._read()
        self._read()

    def shows(self, text):
        self.until(lambda: text in self.shown)

    def ended(self):
        self.until(lambda: self.process.poll() is not None)
        return self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self):
        with contextlib.suppress(OSError):  # nothing yet, or nobody there any more
            self._read_so_far += os.read(self._master, 1 << 16)


@pytest.fixture
def terminal(site):
    opened = []

    def open_one(*words):
        opened.append(Terminal("watch", "--site", site, *words))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def test_on_a_terminal_a_table_follows_what_is_under_way(terminal, board):
    screen = terminal("--until-idle")
    for told in ("here: 1 training, 0 queued", "validation", f"{RUN.key[:12]}…", "3/9", "accuracy 0.5000"):
        screen.shows(told)
    show(board, epoch=4)
    screen.shows("4/9")
    board.clear(RUN)
    screen.shows("here: 0 training, 0 queued")
    assert screen.ended() == 0


def test_there_what_a_file_says_is_no_markup_and_ctrl_c_ends_it(terminal, site, board):
    hostile = {"key": RUN.key, "state": "[red]\x1b]0;title\x07", "metrics": {"validation": {"[b]\x1b[2Jfake\nline": 0.5}}}
    theirs = site.parent / "worker" / f"{RUN.key}.{'3' * 32}.status"
    theirs.write_text(json.dumps(hostile))
    site.write_text('name = "[b]here"\nfolder = "worker"\n')
    screen = terminal()
    screen.shows("[b]here: 1 training, 1 queued")
    screen.shows("[red]?]0;title?")
    screen.shows("[b]?[2Jfake?line 0.5000")
    assert "title\x07" not in screen.shown
    board.clear(RUN)
    theirs.unlink()
    screen.shows("[b]here: 0 training, 0 queued")
    show(board, epoch=7)  # it has waited for this
    screen.shows("7/9")
    screen.process.send_signal(signal.SIGINT)
    assert screen.ended() == 0
