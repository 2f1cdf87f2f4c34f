"""What the trainings at a site took so far, read off the lines of a store: for estimates, where nothing is handed out."""

import heapq
import json
import math
import threading
import time
from dataclasses import dataclass, field

from jitnas_fn.core import shelf
from jitnas_fn.core.bounds import LONGEST_SECONDS, finite
from jitnas_fn.core.codec import Json
from jitnas_fn.core.forecast import About, Past, pending_span, training_span
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.task import HASH

MOST_STORES = 16
MOST_REMEMBERED = 2_000  # of the latest trainings on one dataset
LEAST_SECONDS = 1.0  # for which what was read is good
_CREATED = b'"created":"'
SHARE = 0.01  # of the time, which is spent on reading anew


def expected(about: About, store: Store, *, site: str) -> Json:
    """{training, pending}: how long the training may take, and how long a job may wait before it begins.

    Parameters
    ----------
    about
        What is asked for.
    store
        Holds the records of earlier trainings. Its lines are not verified: one that lies spoils an estimate, nothing more.
    site
        Name of the site; what was trained elsewhere does not count.

    Returns
    -------
    dict
        Each {seconds, low, high, basis} (`core.forecast.Span`), or None where nothing is known.
    """
    known = about.dataset in (shelf.take("datasets", name).DATASET.sha256 for name in shelf.names("datasets"))
    past = _experience(store).of(about.dataset, site=site) if known else []  # nobody makes us look for what there is not
    found = {"training": training_span(about, past), "pending": pending_span(past)}
    return {name: None if span is None else span.to_dict() for name, span in found.items()}


@dataclass(slots=True)
class _Seen:
    past: list[Past] = field(default_factory=list)
    read: float = -math.inf
    took: float = 0.0

    def is_good(self) -> bool:
        return time.monotonic() - self.read < max(LEAST_SECONDS, self.took / SHARE)


class _Experience:
    """The latest trainings in one store, by dataset and site."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()
        self._seen: dict[tuple[str, str], _Seen] = {}

    def of(self, dataset: str, *, site: str) -> list[Past]:
        """Trainings on a dataset (its hash) at a site, the latest first."""
        with self._lock:
            seen = self._seen.setdefault((dataset, site), _Seen())
            if not seen.is_good():
                began = time.monotonic()
                seen.past, seen.read = _trainings(self._store, dataset, site=site), time.monotonic()
                seen.took = seen.read - began
            return seen.past


_experiences: dict[int, _Experience] = {}  # by the store's id; each holds its store, so that no other has that id
_making = threading.Lock()


def _experience(store: Store) -> _Experience:
    with _making:
        if id(store) not in _experiences and len(_experiences) >= MOST_STORES:
            del _experiences[next(iter(_experiences))]
        return _experiences.setdefault(id(store), _Experience(store))


def _trainings(store: Store, dataset: str, *, site: str) -> list[Past]:
    """The latest trainings on a dataset at a site, the latest first. Only their lines are taken apart."""
    words = [
        b'"verdict":"trained"',
        b'"origin":"trained"',
        b'"site":' + json.dumps(site).encode("ascii"),
        dataset.encode("ascii"),
    ]
    lines = (line for line in store.every_line() if all(word in line for word in words))
    latest = heapq.nlargest(MOST_REMEMBERED, lines, key=_made)
    return [past for past in (_training(line, site=site) for line in latest) if past is not None]


def _made(line: bytes) -> bytes:
    """When the record on a line was made, such that later is larger."""
    start = line.find(_CREATED)
    return line[start : start + len(_CREATED) + len("2026-01-02T03:04:05Z")] if start >= 0 else b""


def _training(line: bytes, *, site: str) -> Past | None:
    """What a line tells of; None for what is no training to its end at the site."""
    try:
        record = json.loads(line)["record"]
        at_home = (record["provenance"]["site"], record["provenance"]["origin"]) == (site, "trained")
        return _past(record) if at_home and record["verdict"] == "trained" else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _past(record: Json) -> Past:
    """The training that a record tells of; raises `ValueError` or `LookupError` for one that cannot be."""
    parts, job = record["parts"], record["provenance"].get("job") or {}
    fingerprint, macs = parts["fingerprint"], record["size"].get("macs")
    about = About.from_dict(
        {
            "fingerprint": fingerprint if HASH.fullmatch(fingerprint) else "",
            "dataset": parts["dataset"],
            "recipe": parts["recipe"],
            "epochs": record["recipe"]["epochs"],
            "macs": macs if macs is not None else 0,
        }
    )
    number, waited = job.get("id"), job.get("pending_seconds")
    known = isinstance(number, str) and waited is not None
    return Past(about, _duration(record["cost"]["wall_seconds"]), *((number, _duration(waited)) if known else ()))


def _duration(seconds: object) -> float:
    found = finite(seconds, least=0, most=LONGEST_SECONDS)
    if found is None:
        raise ValueError("no duration")
    return found
