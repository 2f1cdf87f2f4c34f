"""Whether the endpoint's folder is in order, and whether the endpoint is there."""

import json
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.cli.site._agent import agent_of
from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._filling import KNOWN, OPEN, values_in
from jitnas_fn.cli.site._finding import Finding, doubtful, well, wrong
from jitnas_fn.cli.site._profiles import CONFIG, ENVIRONMENT, SCHEMA, TEMPLATE
from jitnas_fn.cli.site._rendering import loaded, rendered
from jitnas_fn.cli.site.status import seen_by_the_service
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import SiteFileError


def folder(endpoint: Endpoint) -> Iterator[Finding]:
    """What the files say, and whether they say the same."""
    open_ = [f"{name} in {file}" for file in (TEMPLATE, CONFIG, ENVIRONMENT) for name in _open_in(endpoint, file)]
    if open_:
        yield wrong("folder", f"not filled in: {', '.join(open_)}", f"write what this site has there, in {endpoint.folder}")
        return
    stated = endpoint.stated
    if stated.get("site_file") != endpoint.environment.get("JITNAS_SITE"):
        yield wrong(
            "folder",
            f"the jobs read {stated.get('site_file')}, the agent's processes {endpoint.environment.get('JITNAS_SITE')}",
            f"name the same file as site_file in {TEMPLATE} and as JITNAS_SITE in {ENVIRONMENT}",
        )
    if endpoint.environment.get("JITNAS_ROLE") != "control":
        yield wrong("folder", f'{ENVIRONMENT} has no JITNAS_ROLE: "control"', "without it questions could start trainings")
    options = json.loads(endpoint.text(SCHEMA)).get("properties", {})
    listed = options.get("partition", {}).get("enum", stated.get("partitions"))
    if set(listed or ()) != set(stated.get("partitions") or ()):
        yield doubtful(
            "folder",
            f"{SCHEMA} lists the partitions {', '.join(listed)}, {TEMPLATE} {', '.join(stated['partitions'])}",
            "list the same in both: a user can choose only what is in both",
        )
    else:
        yield well("folder", str(endpoint.folder))


def configuration(endpoint: Endpoint) -> Iterator[Finding]:
    """Whether the endpoint's own parser takes what the folder says, for both profiles."""
    agent = loaded(endpoint.text(CONFIG))
    if hasattr(agent, "engine"):
        yield wrong("configuration", f"{CONFIG} has an engine, and the agent does not start", f"engines belong in {TEMPLATE}")
    for options in ({"profile": "control"}, {"profile": "train"}):
        try:
            engine = loaded(rendered(endpoint.folder, options)).engine
        except SiteFileError as reason:
            yield wrong("configuration", str(reason), f"mend {endpoint.folder / TEMPLATE}")
            continue
        yield well("configuration", f"profile {options['profile']}: {type(engine).__name__}{_provider(engine)}")


def registration(endpoint: Endpoint) -> Iterator[Finding]:
    """Whether the endpoint may run the function of jitnas_fn, and no other."""
    allowed = loaded(endpoint.text(CONFIG)).allowed_functions
    known = endpoint.registered().get("function_id")
    command = f"jitnas site register {endpoint.name}"
    if allowed is None:
        yield wrong("function", f"{CONFIG} names no allowed_functions: any function may run here", command)
    elif known is None or known not in allowed:
        yield wrong("function", "that of jitnas_fn is not among the allowed_functions", command)
    elif len(allowed) > 1:
        yield doubtful("function", f"{len(allowed)} functions are allowed", "take out of allowed_functions what nobody needs")
    else:
        yield well("function", known)


def presence(endpoint: Endpoint) -> Iterator[Finding]:
    """Whether the agent lives, and whether the service sees it."""
    agent, start = agent_of(endpoint.folder), f"globus-compute-endpoint start {endpoint.name}"
    if agent["state"] == "stopped":
        yield wrong("agent", "it is not running", f"{start}; jitnas-endpoint-{endpoint.name}.service keeps it alive")
        return
    where = "" if agent["state"] == "running" else ", on another machine that shares this folder"
    yield well("agent", f"process {agent['pid']}{where}")
    seen: Json = seen_by_the_service(endpoint)
    if seen["state"] is None:
        yield doubtful("service", f"not known how it sees the endpoint: {seen['reason']}", "jitnas site login")
    elif seen["state"] != "online":
        log = endpoint.folder / "endpoint.log"
        yield wrong("service", f"it sees the endpoint {seen['state']}", f"look into {log}; globus-compute-endpoint restart")
    else:
        yield well("service", "it sees the endpoint online")


def _open_in(endpoint: Endpoint, file: str) -> list[str]:
    return [name for name, value in values_in(file, endpoint.text(file)).items() if value in (OPEN, [OPEN], KNOWN)]


def _provider(engine: object) -> str:
    provider = getattr(engine, "provider", None)
    return "" if provider is None else f", {type(provider).__name__}, up to {provider.max_blocks} blocks"


def program_of(endpoint: Endpoint) -> Path:
    """Where the agent's program should be: beside the interpreter of this machine."""
    stated = endpoint.stated
    return Path(str(stated.get("agent_python") or stated.get("python"))).parent / "globus-compute-endpoint"
