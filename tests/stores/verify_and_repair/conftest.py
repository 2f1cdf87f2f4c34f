"""Stores of every kind in which nothing is wrong."""

import pytest

from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from tests.stores.documented import entries


@pytest.fixture
def path(tmp_path):
    """A cache."""
    store = TinyStore(tmp_path / "cache.jsonl")
    store.extend(entries(0, 1, 2))
    return store.path


@pytest.fixture
def folder(tmp_path):
    """A shared store of three writers, who have gone."""
    for number in range(3):
        store = SegmentStore(tmp_path / "shared")
        store.extend(entries(number))
        store.close()
    return tmp_path / "shared"


@pytest.fixture
def snapshot(tmp_path):
    publish(tmp_path / "published", entries(0, 1), created="2026-01-02T03:04:05Z")
    return tmp_path / "published"
