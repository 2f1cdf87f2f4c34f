"""Where a shared store will be: nothing is there yet."""

import pytest


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shared"
