"""One true time for the nodes of a test."""

import pytest

from tests.stores.leases.nodes import Clock


@pytest.fixture
def clock():
    return Clock()
