"""`jitnas jobs` and `cancel`: what is under way at a site, seen from its login node."""

import json
import os

import pytest

from jitnas_fn.cli.site_runs import table
from jitnas_fn.client.flight import ticket_of
from jitnas_fn.client.journal import Journal
from jitnas_fn.client.request import understood
from jitnas_fn.settings import home
from jitnas_fn.worker.board import Board, Run
from tests.client.models import small

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
    (site.parent / "worker").mkdir()
    assert jitnas("jobs", "--site", site) == (0, "here: 0 training, 0 queued\n", "")


@pytest.mark.parametrize("question", [["jobs"], ["watch", "--until-idle"], ["cancel", KEY]])
def test_a_folder_that_is_not_there_is_told_and_not_made(jitnas, site, question):
    _, out, err = jitnas(*question, "--site", site)
    assert "0 training" not in out
    assert (f"here: the folder {site.parent / 'worker'} is not there" in out) == (question[0] != "cancel")
    assert ("0 keys" in err) == (question[0] == "cancel")
    assert [path.name for path in site.parent.iterdir()] == ["site.toml"]
    assert json.loads(jitnas("jobs", "--site", site, "--json")[1])["missing"] == str(site.parent / "worker")


def test_the_site_of_the_environment_is_meant_without_a_file(jitnas, site, board, monkeypatch):
    monkeypatch.setenv("JITNAS_SITE", str(site))
    assert jitnas("jobs")[1].startswith("here: 1 training")


def test_a_run_is_cancelled_by_the_digits_that_are_shown(jitnas, site, board):
    code, out, _ = jitnas("cancel", f"{KEY[:12]}…", "--site", site)
    assert (code, out) == (0, f"{KEY[:12]}…  cancelling\n")
    assert board.cancelled(Run(KEY, "1" * 32))
    assert not board.cancelled(Run(OTHER, "2" * 32))


@pytest.mark.parametrize("key", ["", "…", "a", "aaa", "aaa…", "aaag", "cccc", "*", "????", "../.."])
@pytest.mark.parametrize("runs", [1, 2])
def test_what_is_not_one_key_cancels_nothing(jitnas, site, board, key, runs):
    if runs == 1:
        board.clear(Run(OTHER, "2" * 32))
    code, _, err = jitnas("cancel", key, "--site", site)
    assert code == 2
    assert "jitnas jobs" in err
    assert ("0 keys under way" if key == "cccc" else "4 or more of its first digits") in " ".join(err.split())
    assert not board.cancelled(Run(KEY, "1" * 32))


def test_what_has_no_key_is_cancelled_by_the_digits_of_its_id(jitnas, site, board):
    opaque = Run("opaque-0a1b2c3d-0000-4000-8000-000000000000", "5" * 32)
    board.begin(opaque)
    assert jitnas("cancel", f"{opaque.key[:12]}…", "--site", site)[0] == 0
    assert board.cancelled(opaque)


HOSTILE = {
    "names": {
        "state": "[red]\x1b[2Jtraining\n",
        "job": "\x1b]0;7\x07",
        "metrics": {"validation": {"\x1b[2J\x07fake\nline": 0.5}},
    },
    "numbers": {
        "epoch": 10**400,
        "epochs": 10**400,
        "metrics": {"validation": {"huge": 10**400}},
        "seconds_left": 10**400,
        "updated": 10**400,
    },
    "long numbers": {"metrics": {"validation": {"long": 1e300}}, "seconds_left": 1e300, "updated": 1e300},
    "other things": {"epoch": "x", "epochs": -1, "metrics": 7, "updated": "now", "job": ["a"], "seconds_left": None},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_status_files_do_no_harm(jitnas, site, board, what):
    text = json.dumps({"key": KEY, "state": "training", **HOSTILE[what]})
    (site.parent / "worker" / f"{KEY}.{'3' * 32}.status").write_text(text)
    (site.parent / "worker" / f"{KEY}.{'4' * 32}.status").write_text("{")
    code, out, _ = jitnas("jobs", "--site", site)
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 5)
    assert all(line.isprintable() and len(line) < 250 for line in lines)
    assert ("?[2J?fake?line 0.5000" in out) == (what == "names")


@pytest.mark.parametrize("question", ["jobs", "watch"])
def test_a_run_that_is_silent_is_told_and_nothing_waits_for_it(jitnas, site, board, question):
    board.clear(Run(KEY, "1" * 32))
    path = site.parent / "worker" / f"{OTHER}.{'2' * 32}.status"
    os.utime(path, (0, path.stat().st_mtime - 3600))
    code, out, _ = jitnas(question, "--site", site, *["--until-idle"] * (question == "watch"))
    assert code == 0
    assert "here: 0 training, 0 queued, 1 silent" in out


def test_a_time_that_no_float_holds_is_not_shown():
    found = {"site": "here", "runs": [{"key": KEY, "state": "training", "updated": 10**400}], "blocks": None, "missing": None}
    assert table(found).splitlines()[2].split() == [f"{KEY[:12]}…", "training"]


def test_a_site_file_that_is_none_is_told(jitnas, tmp_path):
    code, _, err = jitnas("jobs", "--site", tmp_path / "nosuch.toml")
    assert code != 0
    assert "cannot be read" in err


PLACE = {"backend": "globus_compute", "endpoint": "00000000-0000-4000-8000-00000000000e", "options": {}}


def asked_for(seed, *, place=PLACE):
    """The journal of a process that has asked for one training and lives."""
    journal = Journal(home(), place=place)
    request = understood(small, dataset="digits", recipe="instant", seed=seed)
    ticket = ticket_of(request)
    journal.begin(ticket.run, ticket.message)
    return journal, ticket


def test_jobs_shows_what_was_asked_of_endpoints_far_away(jitnas, site, board):
    kept = asked_for(3)
    code, out, _ = jitnas("jobs", "--site", site)
    lines = out.splitlines()[-3:]
    assert code == 0
    assert lines[0] == f"asked of globus_compute {PLACE['endpoint']}: 1 under way"
    assert lines[2].split()[:4] == [f"{kept[1].request.task.key[:12]}…", "digits", "instant", "3"]
    assert "a process" in lines[2]


def test_jobs_tells_what_nobody_waits_for_any_more(jitnas, site, board):
    journal, ticket = asked_for(0)
    journal._held.release()  # as if its process were gone
    _, out, _ = jitnas("jobs", "--site", site)
    assert "1 under way; nobody waits for 1 of them: client.attach() takes up what was left" in out
    _, out, _ = jitnas("jobs", "--site", site, "--json")
    (one,) = json.loads(out)["asked"]
    assert (one["key"], one["is_left"], one["place"]) == (ticket.request.task.key, True, PLACE)
    assert "run" not in one


def test_what_was_asked_in_words_nobody_reads_any_more_is_shown_all_the_same(jitnas, site, board):
    Journal(home(), place=PLACE).begin("3" * 32, '{"protocol": 9}')
    code, out, _ = jitnas("jobs", "--site", site)
    assert code == 0
    assert "this side speaks protocol" in out


def test_a_place_that_cannot_be_asked_has_no_states(jitnas, site, board):
    kept = asked_for(0, place={"backend": "elsewhere"})
    code, out, _ = jitnas("jobs", "--site", site, "--ask", "--json")
    assert (code, json.loads(out)["asked"][0]["status"]) == (0, None)
    assert kept
