"""The service and the broker may end at any time, and nothing that was accepted is lost."""

import time
from concurrent import futures

from tests.site.hosted.client import ECHO, ME, client_of, executor_of, statuses, submit
from tests.waiting import until

SLOW = "def slow(x):\n    import time\n    time.sleep(x)\n    return x\n"


def test_the_service_knows_after_its_death_what_it_knew(hosted, me, agent):
    function = me.register_source_code(ECHO, "echo", description="says it again", public=True)
    with executor_of(me, agent.id) as executor:
        assert executor.submit_to_registered_function(function, (1,)).result(60) == 1
    (task,), group = submit(me, agent.id, function, 2)
    until(lambda: statuses(me, [task])[task]["status"] == "success")
    (long,), _ = submit(me, agent.id, me.register_source_code(SLOW, "slow"), 3, group=group)
    before = statuses(me, [task])
    hosted.kill_service()
    hosted.start_service()
    assert me.get_function(function)["description"] == "says it again"
    assert me.get_endpoint_metadata(agent.id)["display_name"] == "mine"
    assert me.get_endpoint_status(agent.id)["status"] == "online"
    assert [each["id"] for each in me._compute_web_client.v2.get_task_group(group)["tasks"]] == [task, long]
    assert statuses(me, [task]) == before
    until(lambda: statuses(me, [long])[long]["status"] == "success")
    assert client_of(hosted, ME).get_function(function)


def test_futures_come_to_their_end_when_the_service_was_away(hosted, me, agent):
    function = me.register_source_code(SLOW, "slow")
    with executor_of(me, agent.id) as executor:
        pending = [executor.submit_to_registered_function(function, (0.5,)) for _ in range(4)]
        until(lambda: all(each.task_id for each in pending))
        hosted.kill_service()
        time.sleep(2)  # results come in, and nobody takes them
        hosted.start_service()
        assert [each.result(60) for each in pending] == [0.5] * 4


def test_what_was_accepted_while_the_broker_was_away_is_sent_when_it_is_back(hosted, someone, played):
    function, endpoint = someone.register_source_code(ECHO, "echo"), played()
    submit(someone, endpoint.id, function, 1)
    (user_endpoint,) = (each for each, told in hosted.user_endpoints().items() if told["endpoint"] == endpoint.id)
    hosted.broker.kill()
    with futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(submit, someone, endpoint.id, function, 2)
        hosted.broker.up()
        (task,), _ = accepted.result(60)
    endpoint.connect()
    assert {str(endpoint.task(user_endpoint).task_id) for _ in range(2)} >= {task}


def test_futures_come_to_their_end_when_the_broker_was_away(hosted, me, agent):
    function = me.register_source_code(ECHO, "echo")
    with executor_of(me, agent.id) as executor:
        pending = [executor.submit_to_registered_function(function, (number,)) for number in range(100)]
        until(lambda: all(each.task_id for each in pending))
        hosted.broker.restart()
        assert [each.result(90) for each in pending] == list(range(100))
