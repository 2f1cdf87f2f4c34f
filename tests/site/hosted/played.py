"""An endpoint that a test plays, message by message: for what the real agent would never do, and where it would be slow."""

import json
import time

import pika
from globus_compute_common import messagepack
from globus_compute_common.messagepack.message_types import EPStatusReport, Result, ResultErrorDetails


class PlayedEndpoint:
    """Registered with the service, and reached through the broker by hand."""

    def __init__(self, hosted, client, **registration):
        told = client.register_endpoint("played", None, **registration)
        self.id = told["endpoint_id"]
        self._url, self._commands = hosted.broker.url, told["command_queue_info"]["queue"]
        self.connect()

    def connect(self):
        """Connect to the broker, again if that has been restarted."""
        self._connection = pika.BlockingConnection(pika.URLParameters(self._url))
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()

    def close(self):
        self._connection.close()

    def command(self):
        """The next command to start a user endpoint."""
        return json.loads(self._next(self._commands))

    def task(self, user_endpoint):
        """The next task of a user endpoint."""
        return messagepack.unpack(self._next(f"{user_endpoint}.tasks"))

    def has_task(self, user_endpoint):
        return self._channel.queue_declare(f"{user_endpoint}.tasks", durable=True, passive=True).method.message_count > 0

    def beat(self, endpoint_id, **state):
        """A sign of life, or, with an `error`, of none."""
        report = EPStatusReport(endpoint_id=endpoint_id, global_state={"heartbeat_period": 5, **state}, task_statuses={})
        self._send("heartbeats", report)

    def answer(self, task_id, data, *, error=None):
        details = ResultErrorDetails(code="FAILED", user_message=error) if error else None
        self._send("results", Result(task_id=task_id, data=error or data, error_details=details))

    def _send(self, exchange, message):
        self._channel.basic_publish(exchange, "", messagepack.pack(message), mandatory=True)

    def _next(self, queue, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            method, _, body = self._channel.basic_get(queue, auto_ack=True)
            if method is not None:
                return body
            time.sleep(0.02)
        raise TimeoutError(f"nothing came to {queue} within {seconds} s")
