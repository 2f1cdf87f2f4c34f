"""Endpoints: their registration by the agent, and whether they are there. A user endpoint is found by its id as well."""

import uuid

from tests.site.hosted.service.refusal import forbidden, unknown


def find(service, caller, endpoint_id):
    """An endpoint that the caller may use: the caller's own, or one for many users."""
    endpoint = service.state.endpoints.get(endpoint_id)
    if endpoint is None:
        raise unknown("ENDPOINT_NOT_FOUND", f"Endpoint {endpoint_id} could not be resolved")
    if endpoint["owner"] != caller.id and not endpoint["multi_user"]:
        raise forbidden("ENDPOINT_ACCESS_FORBIDDEN", f"Unauthorized access to endpoint {endpoint_id}")
    return endpoint


def find_own(service, caller, endpoint_id):
    endpoint = find(service, caller, endpoint_id)
    if endpoint["owner"] != caller.id:
        raise forbidden("ENDPOINT_ACCESS_FORBIDDEN", f"Unauthorized access to endpoint {endpoint_id}")
    return endpoint


def is_online(service, endpoint_id):
    """Whether an endpoint, or a user endpoint, has given a sign of life of late and is not switched off."""
    user_endpoint = service.state.user_endpoints.get(endpoint_id)
    if service.faults.is_away(user_endpoint.endpoint if user_endpoint else endpoint_id):
        return False
    beat = service.state.beats.get(endpoint_id)
    return beat is not None and beat.is_fresh()


def register(service, request):
    endpoint_id = request.ids.get("endpoint")
    if endpoint_id:
        find_own(service, request.caller, endpoint_id)
    endpoint_id = endpoint_id or str(uuid.uuid4())
    service.state.note(
        "endpoint",
        key=endpoint_id,
        owner=request.caller.id,
        name=request.document["endpoint_name"],
        display_name=request.document.get("display_name"),
        multi_user=bool(request.document.get("multi_user")),
        public=bool(request.document.get("public")),
        allowed_functions=request.document.get("allowed_functions"),
        metadata=request.document.get("metadata"),
    )
    return {
        "endpoint_id": endpoint_id,
        "name": request.document["endpoint_name"],
        "command_queue_info": service.broker.queue_info(f"{endpoint_id}.commands"),
        "heartbeat_queue_info": service.broker.publish_info("heartbeats", endpoint_id),
    }


def shown(endpoint_id, endpoint):
    kept = {name: endpoint[name] for name in ("name", "display_name", "multi_user", "public", "allowed_functions", "metadata")}
    return {"uuid": endpoint_id, "owner_id": endpoint["owner"], **kept}


def get(service, request):
    return shown(request.ids["endpoint"], find(service, request.caller, request.ids["endpoint"]))


def get_all(service, request):
    own = request.query.get("role", "owner") == "owner"
    endpoints = dict(service.state.endpoints)
    mine = {i: each for i, each in endpoints.items() if each["owner"] == request.caller.id or (each["public"] and not own)}
    return [shown(endpoint_id, endpoint) for endpoint_id, endpoint in mine.items()]


def status(service, request):
    asked = request.ids["endpoint"]
    user_endpoint = service.state.user_endpoints.get(asked)
    find(service, request.caller, user_endpoint.endpoint if user_endpoint else asked)
    beat = service.state.beats.get(asked)
    return {"status": "online" if is_online(service, asked) else "offline", "details": beat.report if beat else {}}


def allowed_functions(service, request):
    allowed = find(service, request.caller, request.ids["endpoint"])["allowed_functions"]
    return {"endpoint_id": request.ids["endpoint"], "restricted": allowed is not None, "functions": allowed or []}


def delete(service, request):
    find_own(service, request.caller, request.ids["endpoint"])
    service.state.note("endpoint_deleted", key=request.ids["endpoint"])
    return {"result": 302}


def lock(service, request):
    find_own(service, request.caller, request.ids["endpoint"])
    return {"result": 302}


ROUTES = (
    ("POST", "/v3/endpoints", register),
    ("PUT", "/v3/endpoints/{endpoint}", register),
    ("GET", "/v2/endpoints", get_all),
    ("GET", "/v2/endpoints/{endpoint}", get),
    ("GET", "/v2/endpoints/{endpoint}/status", status),
    ("GET", "/v3/endpoints/{endpoint}/allowed_functions", allowed_functions),
    ("POST", "/v3/endpoints/{endpoint}/lock", lock),
    ("DELETE", "/v2/endpoints/{endpoint}", delete),
)
