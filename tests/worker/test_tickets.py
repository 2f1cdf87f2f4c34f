"""Who has asked for a training that has not begun: advice by which a queue holds it once."""

import os
import time

import pytest

from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker import questions, tickets
from jitnas_fn.worker.answers import answer
from jitnas_fn.worker.site import Site, use
from jitnas_fn.worker.tickets import Tickets

KEY, ADA, BOB = "a" * 64, "1" * 32, "2" * 32


@pytest.fixture
def board(tmp_path):
    return Tickets(tmp_path / "tickets")


@pytest.fixture
def site(tmp_path):
    use(found := Site(folder=tmp_path / "worker", store=SegmentStore(tmp_path / "store")))
    yield found
    use(None)


def asked(run, **fields):
    body = {"keys": [KEY], "runs": [run], "in_flight": True, **fields}
    return Envelope.from_json(answer(Envelope("lookup", body).to_json())).body["results"][0].get("in_flight")


def make_older(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_the_first_has_the_ticket_and_keeps_it(board):
    assert board.take(KEY, ADA) is None
    assert board.take(KEY, ADA) is None
    assert 0 <= board.take(KEY, BOB) < 30


def test_what_is_given_back_is_for_the_next(board):
    board.take(KEY, ADA)
    board.release(KEY, BOB)
    assert board.take(KEY, BOB) is not None
    board.release(KEY, ADA)
    assert board.take(KEY, BOB) is None


def test_a_ticket_that_is_silent_is_anybodys(board, tmp_path):
    board.take(KEY, ADA)
    make_older(tmp_path / "tickets" / KEY, tickets.SILENT_SECONDS - 30)
    assert board.take(KEY, BOB) > 100
    make_older(tmp_path / "tickets" / KEY, tickets.SILENT_SECONDS + 1)
    assert board.take(KEY, BOB) is None
    assert board.take(KEY, ADA) is not None


def test_to_ask_after_it_is_a_sign_of_life(board, tmp_path):
    board.take(KEY, ADA)
    make_older(tmp_path / "tickets" / KEY, tickets.SILENT_SECONDS + 1)
    board.take(KEY, ADA)
    assert board.take(KEY, BOB) < 30


def test_a_ticket_that_was_left_is_swept_away(tmp_path, monkeypatch):
    folder = tmp_path / "tickets"
    Tickets(folder).take(KEY, ADA)
    make_older(folder / KEY, tickets.SWEEP_SECONDS + 1)
    monkeypatch.setattr(tickets, "_swept", {})
    Tickets(folder)
    assert not (folder / KEY).exists()


@pytest.mark.parametrize("key", ["../x", "opaque-00000000-0000-4000-8000-000000000000", ""])
def test_what_is_no_key_has_no_ticket(board, tmp_path, key):
    assert board.take(key, ADA) is None
    assert not (tmp_path / "tickets").exists()


def test_a_disk_that_refuses_stops_nobody(tmp_path):
    (tmp_path / "tickets").write_text("a file")
    assert Tickets(tmp_path / "tickets").take(KEY, ADA) is None


def test_a_site_tells_who_else_has_asked(site):
    assert asked(ADA) is None
    told = asked(BOB)
    assert told["queued"] is True
    assert told["silent_seconds"] < 30
    assert asked(ADA) is None
    assert asked(None) is None


def test_whoever_cancels_gives_the_ticket_back(site):
    asked(ADA)
    answer(Envelope("cancel", {"keys": [KEY], "runs": [ADA]}).to_json())
    assert asked(BOB) is None


def test_a_training_gives_the_ticket_back_however_it_ended(site):
    asked(ADA)
    reply = answer(Envelope("train", {"tasks": [{"key": KEY, "run": ADA}]}).to_json())
    assert "error" in Envelope.from_json(reply).body["results"][0]
    assert asked(BOB) is None


def test_runs_without_their_form_are_refused(site):
    body = {"keys": [KEY], "runs": ["../x"], "in_flight": True}
    assert Envelope.from_json(answer(Envelope("lookup", body).to_json())).error["type"] == "EnvelopeError"


def test_what_is_left_out_of_an_answer_takes_no_ticket(site, monkeypatch):
    monkeypatch.setattr(questions, "PAGE_BYTES", -1)
    asked(ADA)
    monkeypatch.undo()
    assert asked(BOB) is None


def test_of_two_who_make_a_ticket_at_once_one_has_it(board, tmp_path):
    (tmp_path / "tickets").mkdir()
    path = tmp_path / "tickets" / KEY
    assert board._made(path, ADA) is None
    assert board._made(path, BOB) == 0.0  # it found none, and there is one now
    assert path.read_text() == ADA
