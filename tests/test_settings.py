"""Where the user's folder and the snapshot are."""

from pathlib import Path

import pytest

from jitnas_fn import settings
from jitnas_fn.core.errors import StoreError


def test_the_home_folder_is_the_one_named_and_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "a" / "b"))
    assert settings.home() == tmp_path / "a" / "b"
    assert settings.home().is_dir()


def test_a_tilde_is_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("JITNAS_HOME", "~/mine")
    assert settings.home() == tmp_path / "mine"


def test_without_a_name_it_is_the_platforms_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("JITNAS_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.home().name == "jitnas_fn"


@pytest.mark.parametrize("inside", ["file", "\0"])
def test_a_home_that_cannot_be_made_is_a_clear_error(tmp_path, monkeypatch, inside):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings.os, "environ", {"JITNAS_HOME": str(tmp_path / inside / "home")})
    with pytest.raises(StoreError, match="set JITNAS_HOME"):
        settings.home()


def test_the_snapshot_is_the_one_named(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(tmp_path))
    assert settings.snapshot() == tmp_path


def test_the_snapshot_of_a_checkout_is_beside_the_package(monkeypatch):
    monkeypatch.delenv("JITNAS_SNAPSHOT", raising=False)
    assert settings.snapshot() == Path(__file__).resolve().parents[1] / "cache"


def test_the_snapshot_of_an_installed_package_is_inside_it(tmp_path, monkeypatch):
    monkeypatch.delenv("JITNAS_SNAPSHOT", raising=False)
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "jitnas_fn" / "settings.py"))
    assert settings.snapshot() == tmp_path.resolve() / "jitnas_fn" / "_snapshot"
