"""Submits: what is accepted is kept at once, sent to the endpoint when that is there, and asked after by its id."""

import hashlib
import json
import time
import uuid

from globus_compute_common import messagepack
from globus_compute_common.messagepack.message_types import Task

from tests.site.hosted.service import endpoints, functions
from tests.site.hosted.service.refusal import forbidden, malformed, unknown


def submit(service, request):
    caller, endpoint_id, document = request.caller, request.ids["endpoint"], request.document
    service.pace.check(caller.id)
    endpoint = endpoints.find(service, caller, endpoint_id)
    for function_id in document["tasks"]:
        functions.find(service, caller, function_id)
        if endpoint["allowed_functions"] is not None and function_id not in endpoint["allowed_functions"]:
            raise forbidden("FUNCTION_NOT_PERMITTED", f"Function {function_id} not permitted on endpoint {endpoint_id}")
    group = document.get("task_group_id") or str(uuid.uuid4())
    if group in service.state.groups:
        find_group(service, caller, group)
    config = document.get("user_endpoint_config") or {}
    user_endpoint = id_of_user_endpoint(endpoint_id, caller, config)
    queue = f"{queue_prefix(caller)}{group}" if document.get("create_queue") else None
    service.broker.declare(f"{endpoint_id}.commands")
    service.broker.declare(f"{user_endpoint}.tasks")
    if queue:
        service.broker.declare(queue)
    tasks = [(function_id, payload) for function_id, payloads in document["tasks"].items() for payload in payloads]
    made = [made_task(document, function_id, payload) for function_id, payload in tasks]
    submission = str(uuid.uuid4())
    uses = {"endpoint": endpoint_id, "owner": caller.id, "config": config, "runtime": document.get("user_runtime") or {}}
    service.state.note(
        "submission",
        key=submission,
        user_endpoint=user_endpoint,
        uses=uses,
        group=group,
        owner=caller.id,
        queue=queue,
        tasks=made,
    )
    send(service, submission)
    told = {function_id: [] for function_id in document["tasks"]}
    for task_id, function_id, *_ in made:
        told[function_id].append(task_id)
    return {"tasks": told, "task_group_id": group, "request_id": str(uuid.uuid4()), "endpoint_id": endpoint_id}


def made_task(document, function_id, payload):
    """A task as the state keeps it: id, function, payload and headers."""
    if not isinstance(payload, str):
        raise malformed(f"the payload of a task is text, not {type(payload).__name__}")
    task_id = str(uuid.uuid4())
    headers = {
        "function_uuid": function_id,
        "task_uuid": task_id,
        "resource_specification": json.dumps(document.get("resource_specification")),
        "result_serializers": document.get("result_serializers") or [],
    }
    return task_id, function_id, payload, headers


def id_of_user_endpoint(endpoint_id, caller, config):
    """There is one user endpoint for an endpoint, an identity and a configuration."""
    text = json.dumps([endpoint_id, caller.id, config], sort_keys=True)
    return str(uuid.UUID(hashlib.sha256(text.encode()).hexdigest()[:32]))


def send(service, submission):
    """Send a submission to its endpoint: the command to start the user endpoint, then the tasks. Later, if it is away."""
    with service.state.lock:
        if submission in service.sending:
            return
        ids = service.state.submissions[submission]
        tasks = {each: service.state.tasks[each] for each in ids}
        user_endpoint = service.state.user_endpoints[tasks[ids[0]].user_endpoint]
        if service.faults.is_away(user_endpoint.endpoint):
            return
        service.sending.add(submission)
    command = json.dumps(start_command(service, user_endpoint)).encode()
    now = {"content_type": "application/json", "timestamp": int(time.time())}
    service.broker.publish(f"{user_endpoint.endpoint}.commands", command, delivery_mode=2, **now)
    missing = set(tasks)

    def is_there(task_id):
        missing.discard(task_id)
        if not missing:
            service.state.note("sent", key=submission)

    for task_id, task in tasks.items():
        payload, headers = task.message
        text = service.state.functions[task.function]["code"] + payload
        body = messagepack.pack(Task(task_id=task_id, task_buffer=text))
        there = lambda task_id=task_id: is_there(task_id)  # noqa: E731
        service.broker.publish(f"{user_endpoint.id}.tasks", body, there, delivery_mode=2, headers=headers)


def send_waiting(service):
    """Send what was accepted and could not be sent yet."""
    for submission in service.state.unsent():
        send(service, submission)


def start_command(service, user_endpoint):
    identity = service.identities.named(user_endpoint.owner).document()
    return {
        "command": "cmd_start_endpoint",
        "args": [],
        "kwargs": {
            "name": user_endpoint.name,
            "user_opts": user_endpoint.config,
            "user_runtime": user_endpoint.runtime,
            "amqp_creds": {
                "endpoint_id": user_endpoint.id,
                "task_queue_info": {"connection_url": service.broker.url, "queue": f"{user_endpoint.id}.tasks"},
                "result_queue_info": service.broker.publish_info("results", user_endpoint.id),
                "heartbeat_queue_info": service.broker.publish_info("heartbeats", user_endpoint.id),
            },
        },
        "globus_effective_identity": user_endpoint.owner,
        "globus_username": identity["username"],
        "globus_identity_set": [identity],
    }


def queue_prefix(caller):
    return f"user.{caller.id}."


def find_group(service, caller, group_id):
    group = service.state.groups.get(group_id)
    if group is None:
        raise unknown("TASK_GROUP_NOT_FOUND", f"Task group {group_id} could not be resolved")
    if group.owner != caller.id:
        raise forbidden("TASK_GROUP_ACCESS_FORBIDDEN", f"Unauthorized access to task group {group_id}")
    return group


def shown(service, caller, task_id):
    """What a task has come to."""
    task = service.state.tasks.get(task_id)
    if task is None:
        raise unknown("TASK_NOT_FOUND", f"Task {task_id} could not be resolved")
    if task.owner != caller.id:
        raise forbidden("TASK_ACCESS_FORBIDDEN", f"Unauthorized access to task {task_id}")
    if task.outcome is not None:
        return {"task_id": task_id, **task.outcome}
    runs = task.dropped or (task.message is None and endpoints.is_online(service, task.user_endpoint))
    return {"task_id": task_id, "status": "running" if runs else "waiting-for-ep"}


def get(service, request):
    return shown(service, request.caller, request.ids["task"])


def get_batch(service, request):
    return {"results": {task_id: shown(service, request.caller, task_id) for task_id in request.document["task_ids"]}}


def get_group(service, request):
    group = find_group(service, request.caller, request.ids["group"])
    return {"taskgroup_id": request.ids["group"], "tasks": [{"id": task_id} for task_id in list(group.tasks)]}


def result_queue(service, request):
    return {"queue_prefix": queue_prefix(request.caller), "connection_url": service.broker.url}


ROUTES = (
    ("POST", "/v3/endpoints/{endpoint}/submit", submit),
    ("GET", "/v2/tasks/{task}", get),
    ("POST", "/v2/batch_status", get_batch),
    ("GET", "/v2/taskgroup/{group}", get_group),
    ("GET", "/v2/get_amqp_result_connection_url", result_queue),
)
