"""The real SDK, as a person at a laptop uses it: several of them in one process."""

import contextlib
import gc
import os
import uuid
import warnings

ME = "11111111-1111-4111-8111-111111111111"
COLLEAGUE = "22222222-2222-4222-8222-222222222222"
STRANGER = "33333333-3333-4333-8333-333333333333"
SERIALIZERS = ("globus_compute_sdk.serialize.PureSourceTextInspect", "globus_compute_sdk.serialize.JSONData")
ECHO = "def echo(x):\n    return x\n"


@contextlib.contextmanager
def variables(more):
    """More environment variables, as long as this lasts."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def client_of(hosted, client_id):
    """A client of the SDK that is logged in as this identity. It gives up at the first error."""
    from globus_compute_sdk import Client
    from globus_compute_sdk.serialize import JSONData, PureSourceTextInspect

    with variables(hosted.environment(client_id)):
        client = Client(
            code_serialization_strategy=PureSourceTextInspect(),
            data_serialization_strategy=JSONData(),
        )
        for part in (client._compute_web_client.v2, client._compute_web_client.v3):
            part.retry_config.max_retries = 0
    return client


@contextlib.contextmanager
def executor_of(client, endpoint_id, **config):
    """An executor of the SDK, for the user endpoint with this configuration. All its futures must come to an end in time."""
    from globus_compute_sdk import Executor
    from globus_compute_sdk.sdk.executor import _RESULT_WATCHERS
    from globus_compute_sdk.serialize import JSONData

    executor = Executor(
        endpoint_id,
        task_group_id=uuid.uuid4(),  # else all of this process share one, whoever they are
        client=client,
        user_endpoint_config=config,
        result_serializers=[JSONData()],
        batch_size=1000,  # few requests, since they are limited
        api_burst_limit=8,
        api_burst_window_s=1,
    )
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for watcher in list(_RESULT_WATCHERS.values()):  # else its thread would look for the service for ever
            watcher.shutdown(cancel_futures=True)
            del watcher
        collect()


def collect():
    """Let Python close the sockets that the SDK leaves open, before pytest takes offence."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


def submit(client, endpoint_id, function_id, *args, group=None, **config):
    """Ids of the tasks and of their group: a call for each argument, in one request."""
    batch = client.create_batch(
        group or str(uuid.uuid4()),
        user_endpoint_config=config,
        create_websocket_queue=True,
        result_serializers=[SERIALIZERS[1]],
    )
    for each in args:
        batch.add(function_id, (each,))
    told = client.batch_run(endpoint_id, batch)
    return told["tasks"][function_id], told["task_group_id"]


def delivered(hosted, client, group):
    """What is in the queue of a task group, by the id of the task. It stays there."""
    import pika
    from globus_compute_common import messagepack

    queue = client.get_result_amqp_url()["queue_prefix"] + group
    with pika.BlockingConnection(pika.URLParameters(hosted.broker.url)) as connection:
        channel, found = connection.channel(), {}
        while (message := channel.basic_get(queue))[0] is not None:
            result = messagepack.unpack(message[2])
            found[str(result.task_id)] = result.data
        return found


def statuses(client, task_ids):
    """What the service says of tasks, by id."""
    return client._compute_web_client.v2.get_task_batch(list(task_ids))["results"]
