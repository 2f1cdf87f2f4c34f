"""Who calls is who asked for the token, and an endpoint for many users takes those whom its mapping knows."""

import json

import pytest

from tests.site.hosted.agent import Agent
from tests.site.hosted.client import COLLEAGUE, ECHO, ME, STRANGER, client_of, executor_of, submit, variables
from tests.site.hosted.namespaces import obstacle as obstacle_to

WHO = "def who(x):\n    import os\n    return [x, os.getuid(), os.environ['JITNAS_ROLE']]\n"
MAPPING = [
    {
        "DATA_TYPE": "expression_identity_mapping#1.0.0",
        "mappings": [{"source": "{username}", "match": r"(.*)@example\.org", "output": "nobody"}],
    }
]
TEMPLATE = "heartbeat_period: 5\nengine:\n  type: ThreadPoolEngine\n  max_workers: 1\n"


@pytest.fixture
def known(hosted):
    """Two identities have a name at example.org; a third has not."""
    names = {
        each: {"username": f"{name}@example.org", "email": f"{name}@mail.org"}
        for each, name in ((ME, "me"), (COLLEAGUE, "you"))
    }
    hosted.know(names)
    yield
    hosted.know({})


@pytest.fixture
def shared(hosted, known):
    """A real agent that is root and serves many users, all of them as nobody."""
    if reason := obstacle_to("administrator"):
        pytest.skip(reason)
    configuration = hosted.folder / "agents" / "shared"
    configuration.mkdir(parents=True)
    agent = Agent(hosted, configuration.parent, "shared", client_id=ME, as_root=True)
    (configuration / "mapping.json").write_text(json.dumps(MAPPING))
    (configuration / "config.yaml").write_text(
        f"heartbeat_period: 5\nemail: admin@example.org\nidentity_mapping_config_path: {configuration}/mapping.json\n"
    )
    (configuration / "user_config_template.yaml.j2").write_text(TEMPLATE)
    home = str(configuration.parent / "home")
    environment = {"PATH": agent.environment["PATH"], "HOME": home, "JITNAS_ROLE": "control"}
    (configuration / "user_environment.yaml").write_text(json.dumps(environment))
    with agent:
        yield agent


def test_an_identity_is_named_after_its_client_unless_it_is_known(hosted, known, played):
    endpoint = played(multi_user=True)
    told = []
    for identity in (ME, STRANGER):
        client = client_of(hosted, identity)
        submit(client, endpoint.id, client.register_source_code(ECHO, "echo"), 1)
        told.append(endpoint.command())
    assert [each["globus_effective_identity"] for each in told] == [ME, STRANGER]
    assert [each["globus_username"] for each in told] == ["me@example.org", f"{STRANGER}@clients.auth.globus.org"]
    assert told[0]["globus_identity_set"][0]["email"] == "me@mail.org"
    assert told[0]["kwargs"]["amqp_creds"]["endpoint_id"] != told[1]["kwargs"]["amqp_creds"]["endpoint_id"]


def test_an_identity_may_ask_who_it_is(hosted, known, me):
    from globus_compute_sdk.sdk.auth.auth_client import ComputeAuthClient

    with variables(hosted.environment(ME)):
        told = ComputeAuthClient(app=me.app)
    assert told.userinfo()["identity_set"][0]["sub"] == ME
    assert told.get_identities(ids=COLLEAGUE)["identities"][0]["username"] == "you@example.org"


def test_an_agent_of_ones_own_runs_nothing_for_others(hosted, agent, played, colleague):
    from globus_sdk import GlobusAPIError

    with pytest.raises(GlobusAPIError, match="403"):
        submit(colleague, agent.id, colleague.register_source_code(ECHO, "echo"), 1)


def test_a_shared_agent_runs_those_it_can_map_as_one_account_and_refuses_others(hosted, shared):
    from globus_compute_sdk.errors import TaskExecutionFailed

    clients = {each: client_of(hosted, each) for each in (ME, COLLEAGUE, STRANGER)}
    function = clients[ME].register_source_code(WHO, "who", public=True)
    for each in (ME, COLLEAGUE):
        with executor_of(clients[each], shared.id) as executor:
            assert executor.submit_to_registered_function(function, (1,)).result(60) == [1, 65534, "control"]
    with executor_of(clients[STRANGER], shared.id) as executor:
        refused = executor.submit_to_registered_function(function, (1,)).exception(60)
    assert isinstance(refused, TaskExecutionFailed)
    assert "Identity failed to map to a local user name" in str(refused)
    assert len(shared.user_endpoints()) == 2
    pids = shared.processes()
    shared.down()
    assert pids
    assert not shared.processes()
