"""What this user has asked of sites far away and what has not ended, as the journals of all processes tell it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jitnas_fn.client.control import Item, through, told_of_all
from jitnas_fn.client.eta import span_of_time
from jitnas_fn.client.request import request_in
from jitnas_fn.client.standings import plain, printable
from jitnas_fn.client.status import Status, pending
from jitnas_fn.client.under_way import Left, files_in, is_open, left_in
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import JitnasError

HEAD = ("key", "dataset", "recipe", "seed", "asked", "by", "state")
LEFT = "nobody"  # waits for it any more


def asked_elsewhere(home: Path) -> list[Json]:
    """What has not ended, the oldest first: [{key, run, dataset, recipe, seed, place, asked_seconds, is_left}].

    `is_left` says that the process which asked is gone: `client.attach()` takes it up.
    """
    found = []
    for path in files_in(home):
        is_left = not is_open(path)
        for left in _left_in(path):
            asked: Json = {
                "run": left.run,
                "place": left.place,
                "asked_seconds": max(0.0, time.time() - left.at),
                "is_left": is_left,
            }
            found.append({**asked, **_task_of(left.message)})
    return sorted(found, key=lambda one: float(one["asked_seconds"]), reverse=True)


def _left_in(path: Path) -> list[Left]:
    """What a file says; nothing if it cannot be read, or went meanwhile."""
    try:
        return list(left_in(path))
    except OSError:
        return []


def with_states(found: Sequence[Json]) -> list[Json]:
    """The same with `status`: what the site of each says over its control path, None where it says nothing."""
    states: dict[str, Json] = {}
    for place in {str(one["place"]): one["place"] for one in found}.values():
        there = [one for one in found if one["place"] == place and one["key"] is not None]
        answers = _asked_of(place, [Item(one["key"], one["run"]) for one in there])
        states |= {one["run"]: answer for one, answer in zip(there, answers or [], strict=False)}
    return [{**one, "status": states.get(one["run"])} for one in found]


def without_tokens(found: Sequence[Json]) -> list[Json]:
    """The same without what others could stop a run by."""
    return [{name: _without_token(value) for name, value in _without_token(one).items()} for one in found]


def table(found: Sequence[Json]) -> str:
    """A heading for each place, and a line for each evaluation in columns."""
    lines = []
    for place in {str(one["place"]): one["place"] for one in found}.values():
        there = [one for one in found if one["place"] == place]
        left = sum(1 for one in there if one["is_left"])
        told = f"asked of {_name_of(place)}: {len(there)} under way"
        lines.append(f"{told}; nobody waits for {left} of them: client.attach() takes up what was left" if left else told)
        rows = [HEAD, *map(_row, there)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
        lines += ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _without_token(fields: Any) -> Any:
    return {name: value for name, value in fields.items() if name != "run"} if isinstance(fields, dict) else fields


def _task_of(message: str) -> Json:
    try:
        task = request_in(message).task
    except JitnasError as reason:
        return {"key": None, "dataset": None, "recipe": None, "seed": None, "trouble": str(reason)}
    return {"key": task.key, "dataset": task.dataset, "recipe": task.recipe.name, "seed": task.seed}


def _asked_of(place: Json, items: Sequence[Item]) -> list[Json] | None:
    """What a site says of evaluations; None where it is no endpoint, or does not answer."""
    from jitnas_fn.backends.globus_compute import globus_compute

    if place.get("backend") != "globus_compute" or not items:
        return None
    executor: Any = globus_compute(str(place.get("endpoint")))
    try:
        return told_of_all(through(executor.control), "status", items)
    finally:
        executor.shutdown(wait=False)


def _name_of(place: Json) -> str:
    return plain(f"{place.get('backend')} {place.get('endpoint', '')}".strip()[:100])


def _row(one: Json) -> tuple[str, ...]:
    key = "?" if one["key"] is None else f"{one['key'][:12]}…"
    asked = f"{span_of_time(one['asked_seconds'])} ago"
    return key, *(str(one[name]) for name in ("dataset", "recipe", "seed")), asked, _by(one), _state(one)


def _by(one: Json) -> str:
    return LEFT if one["is_left"] else "a process"


def _state(one: Json) -> str:
    status = one.get("status")
    if one.get("trouble"):
        return printable(one["trouble"])
    if status is None:
        return ""
    return str(pending(status.get("blocks")) if status.get("state") == "unknown" else Status.from_answer(status))
