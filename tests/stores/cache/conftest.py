"""Where a cache will be: nothing is there yet."""

import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache.jsonl"
