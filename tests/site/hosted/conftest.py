"""Clients of the hosted service, and an agent, for the tests of this folder."""

import contextlib
import uuid
from pathlib import Path

import pytest

from tests.site.hosted.agent import Agent
from tests.site.hosted.client import COLLEAGUE, ME, client_of, collect
from tests.site.hosted.namespaces import obstacle

TEMPLATE = """\
heartbeat_period: 5
engine:
  type: ThreadPoolEngine
  max_workers: 2
{% if kind | default('') == '"broken"' %}
endpoint_setup: "false"
{% endif %}
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))  # the SDK's


@pytest.fixture(scope="module", autouse=True)
def no_sockets():
    """None that clients have left open, beyond a module."""
    yield
    collect()


@pytest.fixture(scope="session")
def agent(hosted):
    """A real agent that is up, of an endpoint of mine."""
    if reason := obstacle("user"):
        pytest.skip(reason)
    configuration = hosted.folder / "agents" / "mine"
    configuration.mkdir(parents=True)
    (configuration / "config.yaml").write_text("display_name: mine\nheartbeat_period: 5\n")
    (configuration / "user_config_template.yaml.j2").write_text(TEMPLATE)
    with Agent(hosted, configuration.parent, "mine", client_id=ME) as agent:
        yield agent


@pytest.fixture
def me(hosted):
    return client_of(hosted, ME)


@pytest.fixture
def someone(hosted):
    """A client whose submits are not counted with those of other tests."""
    return client_of(hosted, str(uuid.uuid4()))


@pytest.fixture
def colleague(hosted):
    return client_of(hosted, COLLEAGUE)


@pytest.fixture
def played(hosted, someone):
    """Makes endpoints of someone's that the test plays, message by message."""
    from tests.site.hosted.played import PlayedEndpoint

    with contextlib.ExitStack() as stack:
        yield lambda **registration: stack.enter_context(contextlib.closing(PlayedEndpoint(hosted, someone, **registration)))


@pytest.fixture(autouse=True)
def no_faults(request):
    """Faults end with the test that switched them on."""
    hosted = request.getfixturevalue("hosted") if "hosted" in request.fixturenames else None
    yield
    if hosted is not None:
        hosted.faults()
