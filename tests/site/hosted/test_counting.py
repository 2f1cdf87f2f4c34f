"""What a client costs is counted: per route, answer and second, without what tests ask themselves."""

import time

import pytest

from tests.site.hosted.client import ECHO, executor_of, submit

SUBMIT = "POST /v3/endpoints/{endpoint}/submit"


def test_requests_are_counted_per_route_and_second(hosted, someone, played):
    endpoint = played()
    function = someone.register_source_code(ECHO, "echo")
    hosted.forget_requests()
    for _ in range(3):
        submit(someone, endpoint.id, function, *range(50))
    hosted.faults(answers=[{"path": "/v2/endpoints", "status": 418}])
    with pytest.raises(Exception, match="418"):
        someone.get_endpoints()
    told = hosted.requests()
    assert told["total"] == 4
    assert told["requests"] == {SUBMIT: 3, "GET /v2/endpoints": 1}
    assert told["statuses"] == {"200": 3, "418": 1}
    assert sum(routes.get(SUBMIT, 0) for routes in told["seconds"].values()) == 3
    hosted.forget_requests()
    assert hosted.requests()["total"] == 0


def test_two_thousand_calls_take_seconds_and_few_requests(hosted, me, agent):
    function = me.register_source_code(ECHO, "echo")
    with executor_of(me, agent.id) as executor:
        executor.submit_to_registered_function(function, (0,)).result(60)
        hosted.forget_requests()
        begun = time.monotonic()
        pending = [executor.submit_to_registered_function(function, (number,)) for number in range(2000)]
        assert [each.result(60) for each in pending] == list(range(2000))
        assert time.monotonic() - begun < 20
    assert hosted.requests()["total"] < 40
