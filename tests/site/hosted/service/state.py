"""All that the service knows. It is kept as one line of JSON for each thing that happened, and read again at the start."""

import dataclasses
import json
import os
import threading
import time


@dataclasses.dataclass
class Task:
    """One call of a function: what it needs until it is sent, and what came of it."""

    function: str
    message: tuple | None  # payload and headers, until it is sent
    user_endpoint: str
    group: str
    owner: str
    dropped: bool = False
    outcome: dict | None = None


@dataclasses.dataclass
class Group:
    """Tasks whose results go to one queue, if the client wants them there."""

    owner: str
    tasks: list = dataclasses.field(default_factory=list)
    queue: str | None = None


@dataclasses.dataclass
class UserEndpoint:
    """A process that an endpoint is to run for one identity and one configuration of its choice."""

    id: str
    endpoint: str
    owner: str
    config: dict
    runtime: dict

    @property
    def name(self):
        return f"uep.{self.endpoint}.{self.id}"


@dataclasses.dataclass
class Beat:
    """The last sign of life of an endpoint, or of a user endpoint."""

    at: float = 0.0
    report: dict = dataclasses.field(default_factory=dict)

    def is_fresh(self):
        period = self.report.get("heartbeat_period", 30)
        return self.report.get("active", True) and time.time() - self.at < 2.5 * period


class State:
    """What happened, applied in order: the same when it happens and when it is read again.

    Parameters
    ----------
    folder
        Holds `journal.jsonl`. A line that was not finished when the service was killed never happened.
    """

    def __init__(self, folder):
        self.lock = threading.RLock()
        self.functions, self.endpoints, self.user_endpoints = {}, {}, {}
        self.submissions, self.tasks, self.groups, self.beats = {}, {}, {}, {}
        path = folder / "journal.jsonl"
        path.touch()
        whole = path.read_bytes()
        whole = whole[: whole.rfind(b"\n") + 1]
        os.truncate(path, len(whole))
        for line in whole.splitlines():
            event = json.loads(line)
            self._apply(**event)
        self._journal = path.open("ab", buffering=0)

    def note(self, kind, **what):
        """Keep that something happened: `kind` is one of the methods below that begin with `_on_`."""
        line = json.dumps({"kind": kind, **what}, separators=(",", ":")).encode() + b"\n"
        with self.lock:
            self._journal.write(line)
            self._apply(kind, **what)

    def unsent(self):
        """Submissions of which not everything reached the broker."""
        with self.lock:
            return list(self.submissions)

    def unfinished(self, user_endpoint):
        """Ids of the tasks that a user endpoint still owes."""
        with self.lock:
            return [i for i, task in self.tasks.items() if task.user_endpoint == user_endpoint and task.outcome is None]

    def _apply(self, kind, **what):
        getattr(self, f"_on_{kind}")(**what)

    def _on_function(self, key, **function):
        self.functions[key] = function

    def _on_function_deleted(self, key):
        self.functions[key]["deleted"] = True  # what was submitted is still to be sent

    def _on_endpoint(self, key, **endpoint):
        self.endpoints[key] = endpoint

    def _on_endpoint_deleted(self, key):
        self.endpoints.pop(key, None)

    def _on_submission(self, key, user_endpoint, uses, group, owner, queue, tasks):
        self.user_endpoints[user_endpoint] = UserEndpoint(id=user_endpoint, **uses)
        ids = [task for task, *_ in tasks]
        self.groups.setdefault(group, Group(owner)).tasks += ids
        self.groups[group].queue = self.groups[group].queue or queue
        self.submissions[key] = ids
        for task, function, *message in tasks:
            self.tasks[task] = Task(function, tuple(message), user_endpoint, group, owner)

    def _on_sent(self, key):
        for task in self.submissions.pop(key, ()):
            self.tasks[task].message = None

    def _on_outcome(self, key, **outcome):
        self.tasks[key].outcome = outcome

    def _on_dropped(self, key):
        self.tasks[key].dropped = True

    def _on_beat(self, key, at, report):
        self.beats[key] = Beat(at, report)
