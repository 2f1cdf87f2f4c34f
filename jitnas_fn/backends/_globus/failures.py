"""What the service and the endpoint refuse or lose, as errors of ours. Imported only when the SDK is there."""

import re
from concurrent.futures import CancelledError

import globus_sdk
from globus_compute_sdk.errors import TaskExecutionFailed

from jitnas_fn.core.errors import JitnasError, NotAllowed, PayloadTooLarge, SiteUnavailable, WorkerLost

MOST_CHARACTERS = 1500  # of what others say
PASSING = (408, 429, 500, 502, 503, 504)  # HTTP statuses of what may go well the next time
# What stands in the traceback that the endpoint sends instead of an exception, the more telling first.
GONE = re.compile(r"\b(WorkerLost|ManagerLost)\b:?\s*(.*)")
NO_JOBS = re.compile(r"\b(TooManyJobFailuresError|ScalingFailed|SubmitException|BadStateException)\b:?\s*(.*)", re.DOTALL)
NOT_ALLOWED = re.compile(
    r"\bnot permitted on endpoint\b|\bFUNCTION_NOT_(ALLOWED|PERMITTED)\b|Deserialization strategy|disabled"
)
NOT_MAPPED = re.compile(r"failed to map to a local user|untrusted identity", re.IGNORECASE)
NOT_STARTED = re.compile(r"Unable to start user endpoint process|skew between system clocks|failed to start", re.IGNORECASE)
BAD_OPTION = re.compile(r"\bValidationError\b|Additional properties are not allowed|is a reserved word")


def passes(failure: BaseException) -> bool:
    """Whether what refused a request may take it the next time: no network, an overworked service, an SDK that broke."""
    if isinstance(failure, JitnasError):
        return failure.retryable
    if isinstance(failure, globus_sdk.GlobusAPIError):
        return failure.http_status in PASSING
    return isinstance(failure, (CancelledError, globus_sdk.NetworkError, OSError, RuntimeError))


def is_too_large(failure: BaseException) -> bool:
    """Whether the service says that a request has too many bytes."""
    return isinstance(failure, globus_sdk.GlobusAPIError) and failure.http_status == 413


def is_foreign_function(failure: BaseException) -> bool:
    """Whether the service does not know our function, or not as ours."""
    return (
        isinstance(failure, globus_sdk.GlobusAPIError)
        and failure.http_status in (403, 404)
        and str(failure.code or "").startswith("FUNCTION_")
        and failure.code != "FUNCTION_NOT_PERMITTED"
    )


def is_from_the_endpoint(failure: BaseException) -> bool:
    """Whether the endpoint says so of a message, not the SDK of its own troubles."""
    return isinstance(failure, TaskExecutionFailed)


def is_not_started(failure: BaseException) -> bool:
    """Whether the endpoint could not start the process that was to take a message: nothing was lost with it.

    It cannot for three heartbeats after a process was killed, and while a command waited for too long.
    """
    return isinstance(failure, TaskExecutionFailed) and _said(failure.remote_data)[0] is NOT_STARTED


def refusal(failure: BaseException) -> JitnasError:
    """What a request was refused with."""
    if isinstance(failure, JitnasError):
        return failure
    error = _refusal(failure)
    error.__cause__ = failure
    return error


def _refusal(failure: BaseException) -> JitnasError:
    if not isinstance(failure, globus_sdk.GlobusAPIError):
        return SiteUnavailable(f"Globus Compute cannot be reached ({type(failure).__name__}: {_in_a_line(str(failure))})")
    body = failure.raw_json
    reason = (body.get("reason") if isinstance(body, dict) else None) or failure.message or failure.text
    told = f"HTTP {failure.http_status} {failure.code or ''}: {_in_a_line(str(reason))}"
    match failure.http_status:
        case 401 | 403:
            return NotAllowed(f"Globus Compute refuses this ({told})")
        case 404:
            return lasting(SiteUnavailable(f"Globus Compute knows no such thing ({told}): is the endpoint's id right?"))
        case 413:
            return PayloadTooLarge(f"Globus Compute takes no message of this size ({told})")
        case 400 | 422:
            return lasting(SiteUnavailable(f"Globus Compute takes no such request ({told})"))
        case _:
            return SiteUnavailable(f"Globus Compute is not available ({told})")


def failure_of(failure: BaseException) -> JitnasError:
    """What became of a message that was accepted: the endpoint tells by a text."""
    error = _failure(failure.remote_data if isinstance(failure, TaskExecutionFailed) else str(failure))
    error.__cause__ = failure
    return error


def _failure(told: str) -> JitnasError:
    line, (pattern, words) = _in_a_line(told), _said(told)
    if pattern is GONE:
        return WorkerLost(f"the {'worker' if words[0] == 'WorkerLost' else 'job'} that had it is gone ({_in_a_line(words[1])})")
    if pattern is NO_JOBS:
        return SiteUnavailable(f"the endpoint gets no jobs: {_in_a_line(words[1]) or words[0]}")
    if pattern is NOT_MAPPED:
        return NotAllowed(f"the endpoint does not serve this identity: {line}")
    if pattern is BAD_OPTION:
        return NotAllowed(f"the endpoint does not take these options: {line}")
    if pattern is NOT_ALLOWED:
        return NotAllowed(f"the endpoint does not run this ({line}); its administrator allows it: jitnas site register")
    if pattern is NOT_STARTED:
        return SiteUnavailable(f"the endpoint could not start its process: {line}")
    return SiteUnavailable(f"the endpoint failed: {line}")


def _said(told: str) -> tuple[re.Pattern[str] | None, tuple[str, ...]]:
    """The most telling pattern that a text has, and what that caught; None if it has none."""
    for pattern in (GONE, NO_JOBS, NOT_MAPPED, BAD_OPTION, NOT_ALLOWED, NOT_STARTED):
        if found := pattern.search(told):
            return pattern, found.groups()
    return None, ()


def lasting(error: JitnasError) -> JitnasError:
    """An error that the next try cannot but meet again."""
    error.retryable = False
    return error


def _in_a_line(text: str) -> str:
    """Of a long text the end, where a traceback says what was wrong."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else f"…{line[-MOST_CHARACTERS:]}"
