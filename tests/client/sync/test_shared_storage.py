"""Shared storage that this machine can see: read where it lies, and missed only with a warning."""

import pytest

from jitnas_fn import Client
from tests.samples import fixed


def test_shared_storage_is_the_third_layer_while_it_is_there(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_SHARED", str(shared.folder))
    monkeypatch.setattr("jitnas_fn.client.cache.LOOK_SECONDS", 0.0)
    client = Client()
    assert client.store.get(fixed(5).key) == fixed(5)
    shared.put(fixed(77))
    assert client.store.get(fixed(77).key) == fixed(77)
    client.store.put(fixed(78))
    assert shared.get(fixed(78).key) is None
    monkeypatch.setenv("JITNAS_SHARED", str(tmp_path / "not mounted"))
    with pytest.warns(RuntimeWarning, match="is it mounted"):
        assert Client().store.get(fixed(5).key) is None
    assert not (tmp_path / "not mounted").exists()


def test_a_mount_point_where_nothing_is_mounted_is_no_empty_store(tmp_path, monkeypatch):
    (tmp_path / "mount").mkdir()
    monkeypatch.setenv("JITNAS_SHARED", str(tmp_path / "mount"))
    with pytest.warns(RuntimeWarning, match="is it mounted"):
        assert Client().store.get(fixed(5).key) is None
    assert not list((tmp_path / "mount").iterdir())
