"""The service's connection to RabbitMQ: what it publishes is kept until the broker has it, over restarts of the broker."""

import collections
import dataclasses
import http
import itertools
import logging
import threading
import time

import pika

from tests.site.hosted.service.refusal import Refused

log = logging.getLogger("broker")
PAUSE_SECONDS = 0.2  # between two tries to connect
PATIENCE_SECONDS = 30.0  # a request waits so long for a queue to be made


@dataclasses.dataclass
class Message:
    queue: str
    body: bytes
    properties: dict
    when_there: object


class Broker(threading.Thread):
    """A thread with the one connection. What arrives is handled there.

    Parameters
    ----------
    url
        Of RabbitMQ.
    handlers
        What takes in a message, for each of `results` and `heartbeats`: called with its body and with a function that
        tells the broker that it may forget the message. What is not forgotten comes again after a restart.
    """

    def __init__(self, url, handlers):
        super().__init__(name="broker", daemon=True)
        self.url, self.handlers = url, handlers
        self._lock = threading.Lock()
        self._to_send = collections.deque()
        self._unconfirmed, self._last_tag = {}, 0
        self._to_declare, self._declared = {}, set()
        self._connection = self._channel = None
        self._ready = False

    def queue_info(self, queue):
        """How a client reads a queue, which is there then."""
        self.declare(queue)
        return {"connection_url": self.url, "queue": queue}

    def publish_info(self, kind, endpoint_id):
        """How an endpoint sends its results or heartbeats."""
        return {
            "connection_url": self.url,
            "exchange": kind,
            "queue": f"service.{kind}",
            "queue_publish_kwargs": {
                "exchange": kind,
                "routing_key": f"{endpoint_id}.{kind}",
                "mandatory": True,
                "properties": {"delivery_mode": 2, "app_id": endpoint_id},
            },
        }

    def declare(self, queue):
        """Wait until there is such a queue."""
        with self._lock:
            if queue in self._declared:
                return
            there = self._to_declare.setdefault(queue, threading.Event())
        self.in_thread(self._declare_all)
        if not there.wait(PATIENCE_SECONDS):
            raise Refused(http.HTTPStatus.SERVICE_UNAVAILABLE, "BROKER_AWAY", "RabbitMQ is away")

    def publish(self, queue, body, when_there=lambda: None, **properties):
        """Send as soon as possible, and call `when_there` when the broker has it."""
        with self._lock:
            self._to_send.append(Message(queue, body, properties, when_there))
        self.in_thread(self._send_all)

    def purge(self, queue):
        self.in_thread(lambda: self._channel.queue_purge(queue, callback=lambda _: None))

    def in_thread(self, call):
        """Let the thread of the connection do something, unless the broker is away."""
        with self._lock:
            if self._ready:
                self._connection.ioloop.add_callback_threadsafe(call)

    def run(self):
        parameters = pika.URLParameters(self.url)
        while True:
            try:
                self._connection = pika.SelectConnection(
                    parameters,
                    on_open_callback=lambda connection: connection.channel(on_open_callback=self._begin),
                    on_open_error_callback=lambda connection, _: connection.ioloop.stop(),
                    on_close_callback=lambda connection, _: connection.ioloop.stop(),
                )
                self._connection.ioloop.start()
            except Exception:
                log.exception("the connection ends")
            self._end()
            time.sleep(PAUSE_SECONDS)

    def _begin(self, channel):
        self._channel = channel
        channel.add_on_close_callback(lambda channel, _: channel.connection.is_open and channel.connection.close())
        for kind, handler in self.handlers.items():
            channel.exchange_declare(kind, "fanout", durable=True, callback=lambda _: None)
            channel.queue_declare(f"service.{kind}", durable=True, callback=lambda _: None)
            channel.queue_bind(f"service.{kind}", kind, callback=lambda _: None)
            channel.basic_consume(f"service.{kind}", self._taking(handler))
        channel.confirm_delivery(self._confirm, callback=self._serve)

    def _serve(self, _):
        log.info("connected")
        with self._lock:
            self._ready = True
        self._declare_all()
        self._send_all()

    def _end(self):
        with self._lock:
            self._ready, self._last_tag = False, 0
            self._to_send.extendleft(reversed(self._unconfirmed.values()))
            self._unconfirmed = {}
            self._declared.clear()
        if self._connection is not None:
            self._connection.ioloop.close()
            self._connection = None

    def _taking(self, handler):
        def take(channel, method, _properties, body):
            def forget():
                if channel.is_open:
                    channel.basic_ack(method.delivery_tag)

            try:
                handler(body, forget)
            except Exception:
                log.exception("a message that nobody understands")
                forget()

        return take

    def _declare_all(self):
        with self._lock:
            queues = list(self._to_declare)
        for queue in queues:
            self._channel.queue_declare(queue, durable=True, callback=lambda _, queue=queue: self._is_declared(queue))

    def _is_declared(self, queue):
        with self._lock:
            self._declared.add(queue)
            there = self._to_declare.pop(queue, None)
        if there:
            there.set()

    def _send_all(self):
        while self._ready and self._channel.is_open:
            with self._lock:
                if not self._to_send:
                    return
                message = self._to_send.popleft()
                self._last_tag += 1
                self._unconfirmed[self._last_tag] = message
            self._channel.basic_publish("", message.queue, message.body, pika.BasicProperties(**message.properties))

    def _confirm(self, frame):
        tag, several = frame.method.delivery_tag, frame.method.multiple
        with self._lock:
            tags = list(itertools.takewhile(tag.__ge__, self._unconfirmed)) if several else [tag]
            messages = [self._unconfirmed.pop(each) for each in tags]
            if isinstance(frame.method, pika.spec.Basic.Nack):
                self._to_send.extend(messages)
                messages = []
        for message in messages:
            message.when_there()
        self._send_all()
