"""The processes of an endpoint, as its files tell them: each that lives touches its PID file four times a minute."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.core.codec import Json

PID = "daemon.pid"
FRESH_SECONDS = 90.0  # as the agent itself judges


def agent_of(folder: Path) -> Json:
    """{state, pid, silent_seconds}: the state is "running" here, "elsewhere" (another login node) or "stopped"."""
    try:
        silent = max(0.0, time.time() - (folder / PID).stat().st_mtime)
        pid = int((folder / PID).read_text("ascii").split()[0])
        if pid <= 0:
            raise ValueError
    except (OSError, ValueError, IndexError):
        return {"state": "stopped", "pid": None, "silent_seconds": None}
    state = "stopped" if silent > FRESH_SECONDS else "running" if _lives(pid) else "elsewhere"
    return {"state": state, "pid": pid, "silent_seconds": round(silent, 1)}


def endpoint_id(folder: Path) -> str | None:
    """The endpoint's id, a UUID, which the service gave it at its first start."""
    try:
        found = json.loads((folder / "endpoint.json").read_text("utf-8"))
        return str(uuid.UUID(found["endpoint_id"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def started_by(folder: Path, *, home: Path) -> list[Json]:
    """{name, state, pid, profile} of each process that the agent has started and that lives.

    Parameters
    ----------
    folder
        Of the endpoint.
    home
        The folder of all endpoints of the account under which they run.
    """
    return [
        {
            "name": place.name,
            "state": found["state"],
            "pid": found["pid"],
            "profile": "train" if (place / "submit_scripts").is_dir() else "control",
        }
        for place in _folders(folder, home)
        if (found := agent_of(place))["state"] != "stopped"
    ]


def _folders(folder: Path, home: Path) -> Iterator[Path]:
    known = endpoint_id(folder)
    if known is not None:
        yield from sorted(home.glob(f"uep.{known[:8]}*"))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
