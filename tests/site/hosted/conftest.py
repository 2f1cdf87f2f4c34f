"""The hosted half of Globus Compute for the tests of this folder. Where there can be none, they are skipped and say why."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from tests.site.hosted.agent import Agent
from tests.site.hosted.client import COLLEAGUE, ME, client_of
from tests.site.hosted.hosted import Hosted, obstacle
from tests.site.hosted.namespaces import obstacle as obstacle_to
from tests.site.needs import is_required

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


@pytest.fixture(scope="session")
def globus():
    """Skips where there can be no service; fails where `JITNAS_TEST_SITE=required` says that it must be there."""
    if reason := obstacle():
        (pytest.fail if is_required() else pytest.skip)(reason)


@pytest.fixture(scope="module")
def hosted(globus):
    """RabbitMQ and the service, for one module: port 5000 is free again after it."""
    with Hosted(tempfile.mkdtemp(prefix="hosted-", dir="/tmp")) as hosted:
        yield hosted


@pytest.fixture(scope="module")
def agent(hosted):
    """A real agent that is up, of an endpoint of mine."""
    if reason := obstacle_to("user"):
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
def colleague(hosted):
    return client_of(hosted, COLLEAGUE)


@pytest.fixture
def played(hosted, me):
    """Makes endpoints of mine that the test plays, message by message."""
    from tests.site.hosted.played import PlayedEndpoint

    with contextlib.ExitStack() as stack:
        yield lambda **registration: stack.enter_context(contextlib.closing(PlayedEndpoint(hosted, me, **registration)))


@pytest.fixture(autouse=True)
def no_faults(request):
    """Faults end with the test that switched them on."""
    hosted = request.getfixturevalue("hosted") if "hosted" in request.fixturenames else None
    yield
    if hosted is not None:
        hosted.faults()
