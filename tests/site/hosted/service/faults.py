"""Faults that a test switches on: answers that do not come, results that get lost or late, endpoints that are away."""

import fnmatch
import json
import threading

from tests.site.hosted.service.refusal import malformed

NONE = {"answers": [], "drop_results": False, "hold_results": False, "online": {}}
OF_AN_ANSWER = {"path", "method", "times", "status", "hang", "close", "after"}
OF_RESULTS = {"tasks", "groups", "functions", "endpoints", "config", "times"}


class Faults:
    """The faults that are on, over a restart of the service too.

    `answers` is a list of faults, each for the next `times` (1) requests to a `path` (with `*`), of one `method` or any:
    a `status` with which they are answered; seconds to `hang` before they are answered, or until the faults are changed;
    or `close` for a connection that is closed without an answer. With `after` the request is carried out all the same.

    `drop_results` and `hold_results` are true, for all, or say which: those of `tasks`, `groups`, `functions` or `endpoints`
    (ids), those whose user endpoint has this `config` among others, the next `times` of them. What is dropped is gone for
    good. What is held is passed on as soon as it is no longer chosen.

    `online` is false for the ids of endpoints that are away.
    """

    def __init__(self, folder, user_endpoints):
        self._path, self._user_endpoints = folder / "faults.json", user_endpoints
        self._now = json.loads(self._path.read_text()) if self._path.exists() else dict(NONE)
        self._held = {}
        self._changed = threading.Condition(threading.RLock())

    def document(self):
        with self._changed:
            return {**self._now, "held": sorted(self._held)}

    def switch(self, document):
        """Put these faults in the place of what there was. What was held and is no longer is returned, to be called."""
        check(document)
        with self._changed:
            self._now = {**NONE, **document}
            self._write()
            held, self._held = self._held, {}
            self._changed.notify_all()
        return list(held.values())

    def of_answer(self, method, path):
        """The fault of this answer, or None. It is used up once more."""
        with self._changed:
            for fault in self._now["answers"]:
                meant = fnmatch.fnmatchcase(path, fault["path"]) and fault.get("method", method) == method
                if meant and self._use(fault, usual=1):
                    return dict(fault)
        return None

    def hang(self, seconds):
        with self._changed:
            self._changed.wait(seconds)

    def is_away(self, endpoint_id):
        return self._now["online"].get(endpoint_id) is False

    def drops(self, task_id, task):
        return self._chooses("drop_results", task_id, task)

    def holds(self, task_id, task, release):
        """Whether this result has to wait. It is then kept until `release` is called."""
        with self._changed:
            held = task_id in self._held or self._chooses("hold_results", task_id, task)
            if held:
                self._held[task_id] = release
            return held

    def _chooses(self, name, task_id, task):
        with self._changed:
            which = self._now[name]
            if isinstance(which, bool):
                return which
            user_endpoint = self._user_endpoints[task.user_endpoint]
            chosen = (
                task_id in which.get("tasks", (task_id,))
                and task.group in which.get("groups", (task.group,))
                and task.function in which.get("functions", (task.function,))
                and user_endpoint.endpoint in which.get("endpoints", (user_endpoint.endpoint,))
                and which.get("config", {}).items() <= user_endpoint.config.items()
            )
            return chosen and self._use(which, usual=None)

    def _use(self, fault, *, usual):
        """Whether a fault is not used up; then it is, once more."""
        times = fault.get("times", usual)
        if times is None:
            return True
        if times > 0:
            fault["times"] = times - 1
            self._write()
        return times > 0

    def _write(self):
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self._now))
        fresh.replace(self._path)


def check(document):
    """Refuse a fault that would never happen because it is not written rightly."""
    strange = document.keys() - NONE.keys()
    for fault in document.get("answers", ()):
        strange |= fault.keys() - OF_AN_ANSWER
        if "path" not in fault or not fault.keys() & {"status", "hang", "close"}:
            raise malformed(f"a fault of an answer has a path, and a status, hang or close; this is {fault}")
    for name in ("drop_results", "hold_results"):
        if isinstance(document.get(name), dict):
            strange |= document[name].keys() - OF_RESULTS
    if strange:
        raise malformed(f"no such faults: {', '.join(sorted(strange))}")
