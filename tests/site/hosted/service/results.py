"""What endpoints send: results, which go on to the queue of their task group, and heartbeats, which may tell of a failure."""

import time

from globus_compute_common import messagepack
from globus_compute_common.messagepack.message_types import Result, ResultErrorDetails

from tests.site.hosted.service.limits import MAX_RESULT_BYTES


def take_result(service, body, forget):
    """Take in a result. The broker forgets it once it has reached the next queue."""
    settle(service, messagepack.unpack(body), forget)


def settle(service, result, forget):
    """Pass a result on, unless a fault says otherwise."""
    task_id = str(result.task_id)
    task = service.state.tasks.get(task_id)
    if task is None or task.dropped or task.outcome is not None:
        forget()
    elif service.faults.holds(task_id, task, lambda: settle(service, result, forget)):
        pass
    elif service.faults.drops(task_id, task):
        service.state.note("dropped", key=task_id)
        forget()
    elif len(result.data) > MAX_RESULT_BYTES:
        told = f"a result of {len(result.data)} bytes; at most {MAX_RESULT_BYTES} are taken"
        pass_on(service, failure(task_id, "RESULT_SIZE_LIMIT_EXCEEDED", told), forget)
    else:
        pass_on(service, result, forget)


def failure(task_id, code, told):
    return Result(task_id=task_id, data=told, error_details=ResultErrorDetails(code=code, user_message=told))


def pass_on(service, result, forget):
    """Send a result to the client's queue, and keep it."""
    task_id, now = str(result.task_id), time.time()
    outcome = {
        "status": "failed" if result.is_error else "success",
        "exception" if result.is_error else "result": result.data,
        "completion_t": str(now),
        "details": result.details,
    }

    def keep():
        service.state.note("outcome", key=task_id, **outcome)
        forget()

    queue = service.state.groups[service.state.tasks[task_id].group].queue
    if queue is None:
        keep()
    else:
        service.broker.publish(queue, messagepack.pack(result), keep, delivery_mode=2, timestamp=int(now))


def take_heartbeat(service, body, forget):
    """Note that an endpoint lives. One that could not start says why; then its tasks have failed."""
    report = messagepack.unpack(body)
    endpoint_id, state = str(report.endpoint_id), report.global_state
    told = state.get("error")
    if told is None:
        service.state.note("beat", key=endpoint_id, at=time.time(), report=state)
        forget()
        return
    owed = service.state.unfinished(endpoint_id)
    waiting = set(owed)
    service.broker.purge(f"{endpoint_id}.tasks")

    def is_told(task_id):
        waiting.discard(task_id)
        if not waiting:
            forget()

    for task_id in owed:
        settle(service, failure(task_id, "ENDPOINT_STARTUP_FAILURE", told), lambda task_id=task_id: is_told(task_id))
    if not owed:
        forget()
