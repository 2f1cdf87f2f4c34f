"""A cluster, from any laptop: a Globus Compute endpoint there runs one registered function, and answers with text."""

import uuid
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.errors import SiteUnavailable, TaskError


def globus_compute(endpoint: str, *, options: Mapping[str, Any] | None = None, function: str | None = None) -> Executor:
    """An executor that trains on a cluster, for people anywhere. It needs `pip install 'jitnas_fn[globus]'` and a Globus login.

    The executor has a `control` path, which a `Client` finds by itself: look-up, status and cancel go to a light process of the
    endpoint, which asks the scheduler for nothing.

    Parameters
    ----------
    endpoint
        Id of the endpoint, a UUID; `jitnas site status` tells it where it runs.
    options
        What its administrator lets users choose for trainings, such as {"walltime": "02:00:00"}; None for what is usual there.
    function
        Id of the registered function, where the endpoint allows several; None to find it.

    Raises
    ------
    TaskError
        If an id is no UUID, or the options are none that can be sent.
    SiteUnavailable
        If the SDK is not installed.
    """
    from jitnas_fn.settings import home

    try:
        import globus_compute_sdk as _  # noqa: F401
    except ImportError as reason:
        raise SiteUnavailable(f"the Globus Compute SDK is missing ({reason}): pip install 'jitnas_fn[globus]'") from None
    endpoint, chosen = _uuid(endpoint, "an endpoint"), _checked(options)
    function = None if function is None else _uuid(function, "a function")
    from jitnas_fn.backends._globus.executor import executor_at

    return executor_at(endpoint, options=chosen, function=function, folder=home() / "globus")


def _uuid(text: object, what: str) -> str:
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        raise TaskError(f"the id of {what} is a UUID, not {str(text)[:80]!r}") from None


def _checked(options: Mapping[str, Any] | None) -> Json:
    """Options as they are sent; `profile` is not the user's to choose."""
    try:
        chosen = {} if options is None else dict(options)
        canonical(chosen)
    except (TypeError, ValueError) as reason:
        raise TaskError(f"options are names with plain values, as JSON has them ({reason})") from None
    if not all(isinstance(name, str) for name in chosen):
        raise TaskError("options are names with plain values: a name is text")
    if "profile" in chosen:
        raise TaskError("the profile is chosen by jitnas_fn: trainings go to train, questions to control")
    return chosen
