"""What a test switches on goes wrong, as often as it says, and is over when it is switched off."""

import time
from concurrent import futures

import pytest

from tests.site.hosted.client import ECHO, delivered, executor_of, statuses, submit
from tests.waiting import until

SUBMIT = "/v3/endpoints/*/submit"


@pytest.fixture
def echo(someone):
    return someone.register_source_code(ECHO, "echo", public=True)


@pytest.mark.parametrize("status", [403, 413, 429, 500])
def test_the_next_requests_to_a_path_are_answered_with_a_status(hosted, someone, played, echo, status):
    from globus_sdk import GlobusAPIError

    endpoint = played()
    hosted.faults(answers=[{"path": SUBMIT, "times": 2, "status": status}])
    for _ in range(2):
        with pytest.raises(GlobusAPIError) as caught:
            submit(someone, endpoint.id, echo, 1)
        assert caught.value.http_status == status
    submit(someone, endpoint.id, echo, 1)


def test_a_request_may_be_carried_out_and_its_answer_lost(hosted, someone, played, echo):
    from globus_sdk import NetworkError

    endpoint, group = played(), "44444444-4444-4444-8444-444444444444"
    hosted.faults(answers=[{"path": SUBMIT, "close": True, "after": True}])
    with pytest.raises(NetworkError):
        submit(someone, endpoint.id, echo, 1, group=group)
    assert len(someone._compute_web_client.v2.get_task_group(group)["tasks"]) == 1
    hosted.faults(answers=[{"path": SUBMIT, "close": True}])
    with pytest.raises(NetworkError):
        submit(someone, endpoint.id, echo, 1, group=group)
    assert len(someone._compute_web_client.v2.get_task_group(group)["tasks"]) == 1


def test_a_request_hangs_until_the_faults_are_changed(hosted, someone, played):
    endpoint = played()
    hosted.faults(answers=[{"path": "/v2/endpoints/*/status", "method": "GET", "hang": 60}])
    with futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(someone.get_endpoint_status, endpoint.id)
        with pytest.raises(futures.TimeoutError):
            asked.result(0.5)
        hosted.faults()
        assert asked.result(10)["status"] == "offline"


def test_a_dropped_result_never_comes_and_its_task_goes_on_running(hosted, me, agent, echo):
    hosted.faults(drop_results={"config": {"kind": "dropped"}, "times": 1})
    (lost,), group = submit(me, agent.id, echo, 1, kind="dropped")
    until(lambda: hosted.faults_now()["drop_results"]["times"] == 0)
    (other, again), _ = submit(me, agent.id, echo, 2, 3, group=group, kind="dropped")
    until(lambda: set(delivered(hosted, me, group)) == {other, again})
    hosted.faults()
    assert statuses(me, [lost])[lost]["status"] == "running"
    hosted.kill_service()
    hosted.start_service()
    assert statuses(me, [lost])[lost]["status"] == "running"
    assert set(delivered(hosted, me, group)) == {other, again}


def test_a_held_result_comes_late_even_if_the_service_dies_meanwhile(hosted, me, agent, echo):
    hosted.faults(hold_results=True)
    with executor_of(me, agent.id) as executor:
        late = executor.submit_to_registered_function(echo, (1,))
        task = until(lambda: late.task_id)
        until(lambda: hosted.faults_now()["held"] == [task])
        hosted.kill_service()
        hosted.start_service()
        until(lambda: hosted.faults_now()["held"] == [task])
        time.sleep(1)  # twice as long as the SDK takes to look
        assert not late.done()
        assert statuses(me, [task])[task]["status"] == "running"
        hosted.faults()
        assert late.result(10) == 1


def test_tasks_wait_for_an_endpoint_that_is_away_over_a_death_of_the_service(hosted, someone, played, echo):
    endpoint = played()
    endpoint.beat(endpoint.id)
    until(lambda: someone.get_endpoint_status(endpoint.id)["status"] == "online")
    hosted.faults(online={endpoint.id: False})
    assert someone.get_endpoint_status(endpoint.id)["status"] == "offline"
    (task,), _ = submit(someone, endpoint.id, echo, 1)
    assert statuses(someone, [task])[task]["status"] == "waiting-for-ep"
    (user_endpoint,) = (each for each, told in hosted.user_endpoints().items() if told["endpoint"] == endpoint.id)
    assert not endpoint.has_task(user_endpoint)
    someone.delete_function(echo)
    hosted.kill_service()
    hosted.start_service()
    assert statuses(someone, [task])[task]["status"] == "waiting-for-ep"
    hosted.faults()
    assert endpoint.command()["kwargs"]["amqp_creds"]["endpoint_id"] == user_endpoint
    assert str(endpoint.task(user_endpoint).task_id) == task


def test_a_fault_that_could_never_happen_is_refused(hosted):
    for wrong in ({"drop": True}, {"answers": [{"path": "/v2/*"}]}, {"hold_results": {"task": []}}):
        with pytest.raises(OSError, match="400"):
            hosted.faults(**wrong)
