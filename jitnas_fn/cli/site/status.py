"""`jitnas site status`."""

from pathlib import Path

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site._agent import agent_of, endpoint_id, started_by
from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._globus import asked, service
from jitnas_fn.cli.site._places import Named, endpoint_named, user_folder
from jitnas_fn.cli.site_runs import table, under_way
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import SiteFileError, SiteUnavailable
from jitnas_fn.stores.careful import shown


def status(name: Named = None, *, as_json: options.AsJson = False) -> None:
    """How an endpoint is: the agent, what it has started, whether the service sees it, jobs, and trainings under way."""
    with answering(as_json=as_json) as answer:
        endpoint = Endpoint(endpoint_named(name))
        fields: Json = {
            "name": endpoint.name,
            "folder": str(endpoint.folder),
            "endpoint_id": endpoint_id(endpoint.folder),
            "function_id": endpoint.registered().get("function_id"),
            "agent": agent_of(endpoint.folder),
            "service": seen_by_the_service(endpoint),
            "started": started_by(endpoint.folder, home=_places_of_others(endpoint) or user_folder()),
            "under_way": _under_way(endpoint),
        }
        answer.give(fields, text=_text(fields))


def seen_by_the_service(endpoint: Endpoint) -> Json:
    """{state, reason}: "online", "offline" or what else the service says; None where it was not asked, and why."""
    known = endpoint_id(endpoint.folder)
    if known is None:
        return {"state": None, "reason": "it gets its id when the agent is started for the first time"}
    try:
        client = service(may_ask=False)
        found = asked(lambda: client.get_endpoint_status(known))
    except SiteUnavailable as reason:
        return {"state": None, "reason": str(reason)}
    return {"state": str(found.get("status")), "reason": None}


def _places_of_others(endpoint: Endpoint) -> Path | None:
    home = endpoint.home_of_others()
    return None if home is None else home / ".globus_compute"


def _under_way(endpoint: Endpoint) -> Json | None:
    try:
        return under_way(endpoint.site())
    except SiteFileError:
        return None


def _text(fields: Json) -> str:
    agent, seen = fields["agent"], fields["service"]
    states = {
        "running": f"running, process {agent['pid']}",
        "elsewhere": f"running on another machine, process {agent['pid']} there",
        "stopped": f"not running: globus-compute-endpoint start {fields['name']}",
    }
    started = ", ".join(f"{one['profile']} (process {one['pid']})" for one in fields["started"])
    site = fields["under_way"]
    lines = [
        ("endpoint", f"{fields['name']}, {fields['endpoint_id'] or 'without an id yet'}"),
        ("function", fields["function_id"] or f"none registered: jitnas site register {fields['name']}"),
        ("agent", states[agent["state"]]),
        ("service", f"{seen['state']}" if seen["state"] else f"not known: {shown(seen['reason'])}"),
        ("started", started or "nothing"),
        ("site", table(site).replace("\n", "\n" + " " * 11) if site else "its file cannot be read: jitnas site doctor"),
    ]
    return "\n".join(f"{name:<11}{text}" for name, text in lines)


COMMAND = status
