"""Only a script that fails stops its trainings; a session at the prompt ends as its user wants."""

import sys

import pytest

from jitnas_fn.client import endings


class Noted:
    stopped = False

    def stop(self):
        self.stopped = True


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


def test_a_normal_end_stops_nothing(client):
    endings._at_exit()
    assert not client.stopped


def test_a_typo_at_the_prompt_stops_nothing_when_the_session_ends(client, monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys, "last_type", NameError, raising=False)
    endings._at_exit()
    assert not client.stopped
