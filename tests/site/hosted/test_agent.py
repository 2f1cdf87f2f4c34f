"""The real agent, and what is told and ended of it."""

from pathlib import Path

import pytest

from tests.site.hosted.client import ECHO, executor_of, statuses, submit
from tests.waiting import until


def test_each_configuration_has_a_user_endpoint_and_all_end_with_the_agent(hosted, me, agent):
    function = me.register_source_code(ECHO, "echo")
    for kind in ("one", "two"):
        with executor_of(me, agent.id, kind=kind) as executor:
            assert executor.submit_to_registered_function(function, (kind,)).result(60) == kind
    told = {each["config"].get("kind"): each["name"] for each in hosted.user_endpoints().values()}
    assert {told["one"], told["two"]} <= set(agent.user_endpoints())
    assert {agent.pid(), *agent.user_endpoints().values()} <= set(agent.processes())
    agent.stop()
    assert agent.pid() is None
    until(lambda: not agent.processes(), 20)
    until(lambda: not hosted.is_online(agent.id), 20)
    agent.up()
    agent.online()


def test_a_killed_agent_leaves_user_endpoints_that_end_by_themselves_and_comes_back_as_it_was(hosted, me, agent):
    function, before = me.register_source_code(ECHO, "echo"), agent.id
    with executor_of(me, agent.id) as executor:
        assert executor.submit_to_registered_function(function, (1,)).result(60) == 1
        left = set(agent.user_endpoints().values())
        agent.kill()
        assert left <= set(agent.processes())
        until(lambda: not left & set(agent.processes()), 30)
        waiting = executor.submit_to_registered_function(function, (2,))
        agent.down()
        agent.up()
        assert agent.id == before
        assert waiting.result(60) == 2


def test_tasks_of_a_user_endpoint_that_cannot_start_fail_and_say_why(hosted, me, agent):
    (task, other), _ = submit(me, agent.id, me.register_source_code(ECHO, "echo"), 1, 2, kind="broken")
    until(lambda: {each["status"] for each in statuses(me, [task, other]).values()} == {"failed"})
    assert "(SystemExit) 78" in statuses(me, [task])[task]["exception"]


def test_a_configuration_that_cannot_start_says_why_and_leaves_nothing(hosted, agent):
    from tests.site.hosted.agent import Agent

    (agent.folder / "wrong").mkdir()
    (agent.folder / "wrong" / "config.yaml").write_text("engine: {type: ThreadPoolEngine}\n")
    wrong = Agent(hosted, agent.folder, "wrong", client_id=agent.client_id)
    with pytest.raises(RuntimeError, match="contains an `engine` field"):
        wrong.up()
    assert not wrong.processes()
    assert agent.processes()


def test_an_agent_has_no_rights_of_root(agent):
    status = Path(f"/proc/{agent.pid()}/status").read_text()
    assert "CapEff:\t0000000000000000\n" in status
