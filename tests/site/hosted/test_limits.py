"""The stand-in refuses what the documents of the hosted service say it refuses."""

import pytest

from tests.site.hosted.client import ECHO, statuses, submit
from tests.waiting import until

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def endpoint(played):
    return played()


@pytest.fixture
def shared(played):
    """An endpoint for many users."""
    return played(multi_user=True)


def refusal(call, *args, **kwargs):
    """Status, code and reason of the error that a call ends with."""
    from globus_sdk import GlobusAPIError

    with pytest.raises(GlobusAPIError) as caught:
        call(*args, **kwargs)
    return caught.value.http_status, caught.value.code, caught.value.text


def test_a_request_of_more_than_ten_megabytes_is_refused_whatever_is_in_it(someone, endpoint):
    function = someone.register_source_code(ECHO, "echo")
    assert refusal(submit, someone, endpoint.id, function, *["x" * 1_000_000] * 10)[:2] == (413, "TASK_PAYLOAD_TOO_LARGE")
    assert len(submit(someone, endpoint.id, function, *["x" * 990_000] * 10)[0]) == 10


def test_a_result_of_more_than_ten_mebibytes_fails_the_task(someone, endpoint):
    function = someone.register_source_code(ECHO, "echo")
    (small, large), _ = submit(someone, endpoint.id, function, 1, 2)
    endpoint.answer(small, "x" * 10 * 1024 * 1024)
    endpoint.answer(large, "x" * (10 * 1024 * 1024 + 1))
    until(lambda: all("completion_t" in each for each in statuses(someone, [small, large]).values()))
    told = statuses(someone, [small, large])
    assert told[small]["status"] == "success"
    assert "at most 10485760 are taken" in told[large]["exception"]


def test_an_identity_may_submit_twenty_times_in_ten_seconds(someone, colleague, shared):
    function = someone.register_source_code(ECHO, "echo", public=True)
    for _ in range(20):
        submit(someone, shared.id, function, 1)
    assert refusal(submit, someone, shared.id, function, 1)[:2] == (429, "MAX_REQUESTS_EXCEEDED")
    submit(colleague, shared.id, function, 1)


def test_an_endpoint_that_lists_functions_takes_no_other(someone, played):
    listed, other = someone.register_source_code(ECHO, "echo"), someone.register_source_code(ECHO, "echo")
    endpoint = played(allowed_functions=[listed])
    submit(someone, endpoint.id, listed, 1)
    status, code, text = refusal(submit, someone, endpoint.id, other, 1)
    assert (status, code) == (403, "FUNCTION_NOT_PERMITTED")
    assert f"Function {other} not permitted on endpoint {endpoint.id}" in text
    assert someone.get_allowed_functions(endpoint.id)["functions"] == [listed]


def test_a_function_is_its_owners_unless_it_is_public(someone, colleague, shared):
    private, public = someone.register_source_code(ECHO, "echo"), someone.register_source_code(ECHO, "echo", public=True)
    assert refusal(submit, colleague, shared.id, private, 1)[:2] == (403, "FUNCTION_ACCESS_FORBIDDEN")
    assert refusal(colleague.get_function, private)[:2] == (403, "FUNCTION_ACCESS_FORBIDDEN")
    submit(colleague, shared.id, public, 1)
    assert colleague.get_function(public)["function_name"] == "echo"


def test_an_endpoint_is_its_owners_unless_it_is_for_many(someone, colleague, endpoint, shared):
    function = colleague.register_source_code(ECHO, "echo")
    assert refusal(submit, colleague, endpoint.id, function, 1)[:2] == (403, "ENDPOINT_ACCESS_FORBIDDEN")
    assert refusal(colleague.get_endpoint_status, endpoint.id)[:2] == (403, "ENDPOINT_ACCESS_FORBIDDEN")
    submit(colleague, shared.id, function, 1)
    assert colleague.get_endpoint_status(shared.id)["status"] == "offline"


def test_what_others_submitted_is_not_shown(someone, colleague, endpoint):
    function = someone.register_source_code(ECHO, "echo")
    (task,), group = submit(someone, endpoint.id, function, 1)
    assert refusal(statuses, colleague, [task])[:2] == (403, "TASK_ACCESS_FORBIDDEN")
    assert refusal(colleague._compute_web_client.v2.get_task_group, group)[:2] == (403, "TASK_GROUP_ACCESS_FORBIDDEN")
    assert refusal(submit, colleague, endpoint.id, function, 1, group=group)[0] == 403


def test_what_is_unknown_is_not_found(someone, endpoint):
    function = someone.register_source_code(ECHO, "echo")
    assert refusal(submit, someone, endpoint.id, NOWHERE, 1)[:2] == (404, "FUNCTION_NOT_FOUND")
    assert refusal(submit, someone, NOWHERE, function, 1)[:2] == (404, "ENDPOINT_NOT_FOUND")
    assert refusal(statuses, someone, [NOWHERE])[:2] == (404, "TASK_NOT_FOUND")
    assert refusal(someone._compute_web_client.v2.get_task_group, NOWHERE)[:2] == (404, "TASK_GROUP_NOT_FOUND")
    assert refusal(someone._compute_web_client.v2.get, "/v2/nothing")[:2] == (404, "NOT_FOUND")
    someone.delete_function(function)
    assert refusal(someone.get_function, function)[:2] == (404, "FUNCTION_NOT_FOUND")


def test_a_token_that_the_service_did_not_give_is_refused(someone):
    from globus_sdk import AccessTokenAuthorizer, ComputeClientV2

    web = someone._compute_web_client.v2
    made_up = ComputeClientV2(authorizer=AccessTokenAuthorizer("made.up"), base_url=web.base_url)
    assert refusal(made_up.get_endpoints)[:2] == (401, "NOT_AUTHENTICATED")
