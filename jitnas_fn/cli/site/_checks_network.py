"""Whether the agent can reach the service. It only ever connects outwards."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._filling import values_in
from jitnas_fn.cli.site._finding import Finding, well, wrong
from jitnas_fn.cli.site._globus import addresses
from jitnas_fn.cli.site._profiles import CONFIG

PATIENCE_SECONDS = 10.0
PORTS = (443, 5671)  # on which the service takes AMQP over TLS
HOW = "have the firewall let this machine connect outwards"


def network(endpoint: Endpoint) -> Iterator[Finding]:
    """The service's web address, and its message queues."""
    web, queues, login = addresses()
    for host, port in dict.fromkeys(map(_host_and_port, (web, login))):
        trouble = _trouble(host, port)
        if trouble is None:
            yield well("network", f"{host}:{port} answers")
        else:
            yield wrong("network", f"{host}:{port}: {trouble}", f"{HOW} to {host}:{port} (HTTPS)")
    if queues != "localhost":
        yield from _queues(queues, int(values_in(CONFIG, endpoint.text(CONFIG)).get("amqp_port") or PORTS[0]))


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _queues(host: str, port: int) -> Iterator[Finding]:
    trouble = _trouble(host, port)
    if trouble is None:
        yield well("network", f"{host}:{port} answers")
        return
    others = [other for other in PORTS if other != port and _trouble(host, other) is None]
    if others:
        yield wrong("network", f"{host}:{port}: {trouble}; {others[0]} answers", f"amqp_port: {others[0]} in {CONFIG}")
    else:
        yield wrong("network", f"{host}:{port}: {trouble}", f"{HOW} to {host}:{port} (AMQPS)")


def _trouble(host: str, port: int) -> str | None:
    """Why nobody answers there; None if somebody does."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_SECONDS):
            return None
    except OSError as reason:
        return str(reason) or type(reason).__name__
