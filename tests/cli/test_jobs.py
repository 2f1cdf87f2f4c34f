"""`jitnas jobs`, `watch` and `cancel`: what is under way at a site, seen from its login node."""

import json

import pytest

from jitnas_fn.worker.board import Board, Run

KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text('name = "here"\nfolder = "worker"\n')
    return path


@pytest.fixture
def board(site, monkeypatch):
    """One run that trains in job 7, and one that is queued."""
    folder = site.parent / "worker"
    folder.mkdir()
    board = Board(folder)
    board.begin(Run(OTHER, "2" * 32))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    progress = {"epoch": 3, "epochs": 9, "metrics": {"validation": {"accuracy": 0.5, "loss": 1.0}}, "seconds_left": 12.3}
    board.show(Run(KEY, "1" * 32), "training", progress=progress)
    return board


def test_jobs_shows_each_run(jitnas, site, board):
    code, out, err = jitnas("jobs", "--site", site)
    summary, head, first, second = out.splitlines()
    assert (code, err, summary) == (0, "", "here: 1 training, 1 queued")
    assert head.split() == ["key", "state", "epoch", "validation", "left", "job", "seen"]
    assert first.split()[:7] == [f"{KEY[:12]}…", "training", "3/9", "accuracy", "0.5000", "12", "s"]
    assert "  7  " in first
    assert second.split()[:2] == [f"{OTHER[:12]}…", "queued"]


def test_jobs_in_json_tells_no_token_by_which_a_run_could_be_stopped(jitnas, site, board):
    code, out, _ = jitnas("jobs", "--site", site, "--json")
    found = json.loads(out)
    assert (code, found["site"], found["blocks"]) == (0, "here", None)
    assert [run["key"] for run in found["runs"]] == [KEY, OTHER]
    assert all("run" not in run for run in found["runs"])


def test_where_nothing_is_under_way_it_says_so(jitnas, site):
    assert jitnas("jobs", "--site", site) == (0, "here: 0 training, 0 queued\n", "")


def test_the_site_of_the_environment_is_meant_without_a_file(jitnas, site, board, monkeypatch):
    monkeypatch.setenv("JITNAS_SITE", str(site))
    assert jitnas("jobs")[1].startswith("here: 1 training")


def test_a_run_is_cancelled_by_the_digits_that_are_shown(jitnas, site, board):
    code, out, _ = jitnas("cancel", f"{KEY[:12]}…", "--site", site)
    assert (code, out) == (0, f"{KEY[:12]}…  cancelling\n")
    assert board.cancelled(Run(KEY, "1" * 32))
    assert not board.cancelled(Run(OTHER, "2" * 32))


@pytest.mark.parametrize("key", ["", "c", "*", "../.."])
def test_what_is_not_one_key_cancels_nothing(jitnas, site, board, key):
    code, _, err = jitnas("cancel", key, "--site", site)
    assert code == 2
    assert "jitnas jobs" in err
    assert not board.cancelled(Run(KEY, "1" * 32))


def test_watch_prints_a_line_and_ends_when_nothing_is_under_way(jitnas, site, board):
    for run in (Run(KEY, "1" * 32), Run(OTHER, "2" * 32)):
        board.clear(run)
    code, out, _ = jitnas("watch", "--site", site, "--until-idle")
    assert code == 0
    assert out.split(maxsplit=1)[1] == "here: 0 training, 0 queued\n"


def test_hostile_status_files_do_no_harm(jitnas, site, board):
    folder = site.parent / "worker"
    text = json.dumps({"key": KEY, "state": "[red]\x1b[2Jtraining", "epoch": "x", "metrics": 7, "updated": "now", "job": ["a"]})
    (folder / f"{KEY}.{'3' * 32}.status").write_text(text)
    (folder / f"{KEY}.{'4' * 32}.status").write_text("{")
    code, out, _ = jitnas("jobs", "--site", site)
    assert code == 0
    assert "\x1b" not in out


def test_a_site_file_that_is_none_is_told(jitnas, tmp_path):
    code, _, err = jitnas("jobs", "--site", tmp_path / "nosuch.toml")
    assert code != 0
    assert "cannot be read" in err
