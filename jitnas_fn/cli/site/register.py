"""`jitnas site register`."""

import hashlib
import json
from typing import Annotated

import typer

from jitnas_fn.backends._globus.function import register as register_function
from jitnas_fn.backends._globus.function import source
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site._agent import agent_of, endpoint_id
from jitnas_fn.cli.site._allowed import allow, replace
from jitnas_fn.cli.site._endpoint import FUNCTION, Endpoint
from jitnas_fn.cli.site._globus import asked, service, service_name
from jitnas_fn.cli.site._places import Named, endpoint_named
from jitnas_fn.cli.site._profiles import CONFIG
from jitnas_fn.core.codec import Json


def register(
    name: Named = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Register it anew, should the service have lost it.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Register the one function of jitnas_fn with Globus Compute, and let the endpoint run it and nothing else.

    The first time it asks you to log in. Once registered, the same id is given again; nothing is registered twice.
    """
    with answering(as_json=as_json) as answer:
        endpoint = Endpoint(endpoint_named(name))
        known, wanted = endpoint.registered(), _wanted(endpoint)
        if again or known.get("function_id") is None or any(known.get(field) != value for field, value in wanted.items()):
            client = service(may_ask=True)
            function = asked(lambda: register_function(client, public=wanted["public"]))
            replace(endpoint.folder / FUNCTION, json.dumps({"function_id": function, **wanted}, indent=2) + "\n")
        else:
            function = str(known["function_id"])
        before = {str(known["function_id"])} if "function_id" in known else set()
        changed = allow(endpoint.folder / CONFIG, function, instead_of=before)
        restart = changed and agent_of(endpoint.folder)["state"] != "stopped"
        fields: Json = {
            "name": endpoint.name,
            "function_id": function,
            "endpoint_id": endpoint_id(endpoint.folder),
            "public": wanted["public"],
            "new": function not in before,
            "restart": restart,
        }
        answer.give(fields, text=_text(fields))


def _wanted(endpoint: Endpoint) -> Json:
    """What a registration must be of to be used again."""
    text = source()
    return {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "public": endpoint.is_shared,
        "service": service_name(),
    }


def _text(fields: Json) -> str:
    who = "whoever the endpoint serves may call it" if fields["public"] else "only you may call it"
    told = [f"function {fields['function_id']} ({'registered' if fields['new'] else 'registered before'}; {who})"]
    if fields["endpoint_id"]:
        told.append(f"endpoint {fields['endpoint_id']}")
    else:
        told.append(f"the endpoint gets its id at its first start: globus-compute-endpoint start {fields['name']}")
    if fields["restart"]:
        told.append(f"the agent does not know it yet: globus-compute-endpoint restart {fields['name']}")
    return "\n".join(told)


COMMAND = register
