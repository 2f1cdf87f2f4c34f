"""A service that does what the test says: takes messages, refuses them, loses its links."""

import threading
from concurrent.futures import Future

import globus_sdk
import requests

from jitnas_fn.backends._globus.letter import Letter


class Reply(Future):
    """As the SDK's: it has a task id once the service has accepted the message."""

    task_id = None


class Link:
    """As the SDK's executor: one request that is refused ends it, and cancels what stands behind."""

    def __init__(self, service):
        self.service, self.dead, self.ended = service, False, False

    def submit(self, text):
        if self.dead:
            raise RuntimeError("is shutdown; no new functions may be executed")
        reply = Reply()
        self.service.take(self, reply, text)
        return reply

    def end(self):
        self.ended = True


class FakeService:
    """What a `Post` needs. `refusals` are raised one after another before anything is accepted.

    All messages of one call of `flush` are one request.
    """

    def __init__(self):
        self.refusals, self.links, self.accepted, self.options = [], [], [], []
        self.outcome_of = {}
        self.registered_anew = 0
        self.asked_after = []
        self.takes = 10**9
        self._lock = threading.Lock()
        self._count = 0
        self._refusing = None

    def link(self, options):
        if self.refusals and isinstance(self.refusals[0], Unlinked):
            raise self.refusals.pop(0).failure
        self.options.append(options)
        self.links.append(Link(self))
        return self.links[-1]

    def take(self, link, reply, text):
        with self._lock:
            if self.takes <= 0 and self.refusals:
                link.dead = True
                reply.set_exception(self.refusals.pop(0))
                self.takes = 10**9
                return
            self.takes -= 1
            self._count += 1
            reply.task_id = f"00000000-0000-4000-8000-{self._count:012}"
            self.accepted.append((text, reply))

    def refuse(self, *failures, after=0):
        """Refuse the next requests, the first of them after it has taken some messages."""
        self.refusals, self.takes = list(failures), after

    def register_anew(self):
        self.registered_anew += 1

    def outcomes(self, tasks):
        self.asked_after.append(list(tasks))
        return {task: self.outcome_of[task] for task in tasks if task in self.outcome_of}


class Unlinked:
    """Stands among refusals for one that comes before there is a link."""

    def __init__(self, failure):
        self.failure = failure


def http(status, code="CODE", reason="because"):
    """What the SDK raises for an answer with this status."""
    answer = requests.Response()
    answer.status_code = status
    answer.headers["Content-Type"] = "application/json"
    answer._content = f'{{"status": "Failed", "code": "{code}", "reason": "{reason}", "http_status_code": {status}}}'.encode()
    answer.request = requests.Request("POST", "http://localhost/v3/submit").prepare()
    return globus_sdk.GlobusAPIError(answer)


def a_letter(text="m", size=10):
    return Letter(text, size)


def sent(service):
    """The messages that the service has accepted, in their order."""
    return [text for text, _ in service.accepted]
