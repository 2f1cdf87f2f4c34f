"""The packages of Globus Compute, imported only where they are used, or what to install."""

import importlib
import os
from collections.abc import Callable
from typing import Any

from jitnas_fn.core.errors import SiteUnavailable

HOW = {"globus_compute_endpoint": "pip install 'jitnas_fn[endpoint]'", "globus_compute_sdk": "pip install 'jitnas_fn[globus]'"}


def needed() -> None:
    """Raise `SiteUnavailable` unless what an endpoint needs is installed."""
    of_endpoint("endpoint.config.utils")


def of_endpoint(module: str) -> Any:
    """A module of globus-compute-endpoint; raises `SiteUnavailable` where it is not installed."""
    return _imported(f"globus_compute_endpoint.{module}")


def service(*, may_ask: bool) -> Any:
    """A client of the hosted service, logged in as the agent is.

    Parameters
    ----------
    may_ask
        Whether the user may be asked to log in; else whoever is not logged in is told so.

    Raises
    ------
    SiteUnavailable
        If the packages are not installed, nobody is logged in, or the service cannot be reached.
    """
    sdk, login = _imported("globus_compute_sdk"), of_endpoint("auth")
    try:
        app = login.get_globus_app_with_scopes()
        if not may_ask and not os.environ.get("GLOBUS_COMPUTE_CLIENT_SECRET") and app.login_required():
            raise SiteUnavailable("nobody is logged in: jitnas site login")
        return sdk.Client(app=app)
    except SiteUnavailable:
        raise
    except EOFError:
        raise SiteUnavailable(
            "nobody is logged in, and nobody can be asked here: run jitnas site login in a terminal"
        ) from None
    except Exception as reason:  # noqa: BLE001  whatever the packages raise, the user must hear what is wrong
        raise SiteUnavailable(f"the Globus Compute service cannot be used ({type(reason).__name__}: {reason})") from None


def log_in(*, anew: bool) -> bool:
    """Log in for the agent, or on a machine without one for its user; whether that was necessary. Raises `SiteUnavailable`."""
    try:
        app = of_endpoint("auth").get_globus_app_with_scopes()
    except SiteUnavailable:
        app = _imported("globus_compute_sdk.sdk.auth.globus_app").get_globus_app()
        _imported("globus_compute_sdk").Client(app=app, do_version_check=False)  # tells the login what it is for
    try:
        if not anew and not app.login_required():
            return False
        app.login(force=anew)
    except EOFError:
        raise SiteUnavailable("nobody can be asked here: run jitnas site login in a terminal") from None
    except Exception as reason:  # noqa: BLE001  whatever the packages raise, the user must hear what is wrong
        raise SiteUnavailable(f"the login failed ({type(reason).__name__}: {reason})") from None
    return True


def service_name() -> str:
    """Which of the services is meant: that of the world, unless the environment says otherwise."""
    return os.environ.get("GLOBUS_SDK_ENVIRONMENT") or "production"


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as reason:
        package = name.partition(".")[0]
        raise SiteUnavailable(f"{package.replace('_', '-')} is missing ({reason}): {HOW[package]}") from None


def addresses() -> tuple[str, str, str]:
    """The service's web address, the host of its message queues, and the web address of the login."""
    known = _imported("globus_compute_sdk.sdk._environments")
    login = os.environ.get("GLOBUS_SDK_SERVICE_URL_AUTH") or "https://auth.globus.org"
    return str(known.get_web_service_url()), str(known.get_amqp_service_host()), login


def asked(question: Callable[[], Any]) -> Any:
    """What the service answers to a question of its client; raises `SiteUnavailable` if it refuses, or does not answer."""
    try:
        return question()
    except Exception as reason:  # noqa: BLE001  the client has many errors, of three packages
        raise SiteUnavailable(f"the Globus Compute service answers {type(reason).__name__}: {reason}") from None
