"""A way to one endpoint, over a service that does what the test says."""

import pytest

from jitnas_fn.backends._globus import adrift, outbox
from jitnas_fn.backends._globus.pace import Pace
from jitnas_fn.backends._globus.post import Post
from tests.backends.globus.fakes import FakeService


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(adrift, "FIRST_SECONDS", 0.01)


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def told():
    return []


@pytest.fixture
def letters_of(service, told):
    made = Post(service, {"profile": "train"}, pace=Pace(), patience_seconds=5.0, accepted=told.extend)
    yield made
    made.close()
