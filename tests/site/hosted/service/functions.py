"""Registered functions. One that is not public is its owner's alone."""

import uuid

from tests.site.hosted.service.refusal import forbidden, unknown


def find(service, caller, function_id):
    """A function that the caller may use."""
    function = service.state.functions.get(function_id)
    if function is None or function.get("deleted"):
        raise unknown("FUNCTION_NOT_FOUND", f"Function {function_id} could not be resolved")
    if function["owner"] != caller.id and not function["public"]:
        raise forbidden("FUNCTION_ACCESS_FORBIDDEN", f"Unauthorized access to function {function_id}")
    return function


def packed(document):
    """The text of a function as endpoints take it: with its length in front, which plain source does not bring along."""
    code = document["function_code"]
    if document.get("serialized", True):
        return code
    text = f"st\n{document['function_name']}:{code}"
    return f"{len(text)}\n{text}"


def register(service, request):
    function_id = str(uuid.uuid4())
    service.state.note(
        "function",
        key=function_id,
        owner=request.caller.id,
        name=request.document["function_name"],
        code=packed(request.document),
        description=request.document.get("description", ""),
        public=bool(request.document.get("public")),
        metadata=request.document.get("meta"),
    )
    return {"function_uuid": function_id}


def get(service, request):
    function = find(service, request.caller, request.ids["function"])
    return {
        "function_uuid": request.ids["function"],
        "function_name": function["name"],
        "function_code": function["code"],
        "description": function["description"],
        "public": function["public"],
        "metadata": function["metadata"],
    }


def delete(service, request):
    function = find(service, request.caller, request.ids["function"])
    if function["owner"] != request.caller.id:
        raise forbidden("FUNCTION_ACCESS_FORBIDDEN", f"Unauthorized access to function {request.ids['function']}")
    service.state.note("function_deleted", key=request.ids["function"])
    return {"result": 302}


ROUTES = (
    ("POST", "/v3/functions", register),
    ("GET", "/v2/functions/{function}", get),
    ("DELETE", "/v2/functions/{function}", delete),
)
