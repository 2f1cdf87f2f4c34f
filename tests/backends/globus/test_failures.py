"""What the service and the endpoint say, as errors of ours: which may go well the next time, and what to do."""

import globus_sdk
import pytest
from globus_compute_sdk.errors import TaskExecutionFailed

from jitnas_fn.backends._globus.failures import failure_of, is_too_large, passes, refusal
from jitnas_fn.core.errors import NotAllowed, PayloadTooLarge, SiteUnavailable, WorkerLost
from tests.backends.globus.fakes import http

TRACE = "Traceback (most recent call last):\n  File x\n"


@pytest.mark.parametrize(
    ("told", "kind", "retryable", "words"),
    [
        (
            f"{TRACE}parsl.executors.high_throughput.errors.WorkerLost: Task failure due to loss of worker 0",
            WorkerLost,
            True,
            "worker",
        ),
        (
            f"{TRACE}parsl.executors.high_throughput.errors.ManagerLost: Task failure due to loss of manager b'x'",
            WorkerLost,
            True,
            "job",
        ),
        (
            f"{TRACE}parsl.executors.errors.BadStateException: failed due to: Error 1:\n\tSTDERR: sbatch: no partition",
            SiteUnavailable,
            True,
            "gets no jobs: failed due to: Error 1: STDERR: sbatch: no partition",
        ),
        ("Function f not permitted on endpoint e", NotAllowed, False, "jitnas site register"),
        ("Identity failed to map to a local user name.", NotAllowed, False, "does not serve this identity"),
        ("Ignoring start request for untrusted identity.", NotAllowed, False, "does not serve this identity"),
        (
            "Unable to start user endpoint process for x [(ValidationError) 'a' is not one of ['b']]",
            NotAllowed,
            False,
            "options",
        ),
        ("Command too old or skew between system clocks is too large.", SiteUnavailable, True, "could not start"),
        ("Failed to start or unexpected error: (SystemExit) 78", SiteUnavailable, True, "could not start"),
        (
            "sbatch: error: the feature string does not match, a requeue is not allowed",
            SiteUnavailable,
            True,
            "endpoint failed",
        ),
        ("something nobody has seen before", SiteUnavailable, True, "the endpoint failed: something nobody"),
        ("", SiteUnavailable, True, "the endpoint failed"),
    ],
)
def test_what_an_endpoint_tells_by_a_text_becomes_a_typed_error(told, kind, retryable, words):
    error = failure_of(TaskExecutionFailed(told))
    assert type(error) is kind
    assert error.retryable is retryable
    assert words in str(error)
    assert "\n" not in str(error)


def test_of_a_long_text_the_end_is_told():
    error = failure_of(TaskExecutionFailed("x" * 10_000 + " the reason"))
    assert str(error).endswith("the reason")
    assert len(str(error)) < 2000


@pytest.mark.parametrize(
    ("failure", "kind", "again"),
    [
        (http(429), SiteUnavailable, True),
        (http(502), SiteUnavailable, True),
        (http(403, reason="not yours"), NotAllowed, False),
        (http(404), SiteUnavailable, False),
        (http(413), PayloadTooLarge, False),
        (http(400), SiteUnavailable, False),
        (globus_sdk.NetworkError("no route", ConnectionError("no route")), SiteUnavailable, True),
        (ConnectionResetError("gone"), SiteUnavailable, True),
        (RuntimeError("is shutdown"), SiteUnavailable, True),
        (ValueError("a bug of the SDK's"), SiteUnavailable, False),
    ],
)
def test_what_refuses_a_request_is_told_apart(failure, kind, again):
    assert passes(failure) is again
    error = refusal(failure)
    assert type(error) is kind
    assert error.__cause__ is failure
    assert is_too_large(failure) is (kind is PayloadTooLarge)


def test_the_services_own_reason_is_told():
    assert "not yours" in str(refusal(http(403, "ENDPOINT_ACCESS_FORBIDDEN", "not yours")))


def test_an_error_of_ours_stays_as_it_is():
    error = NotAllowed("so")
    assert refusal(error) is error


@pytest.mark.parametrize("body", [b'["bad gateway"]', b"3", b"<html>", b""])
def test_an_answer_that_makes_no_sense_is_told_of_as_it_is(body):
    failure = http(502)
    failure._underlying_response._content = body
    assert isinstance(refusal(globus_sdk.GlobusAPIError(failure._underlying_response)), SiteUnavailable)
