"""The one function that a Globus Compute endpoint runs, as plain source. Nothing is imported from Globus here."""

import ast
import contextlib
import hashlib
import os
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NAME = "run_task"
DESCRIPTION = "jitnas_fn: answers one message, JSON text in, JSON text out. What it may do is the site's own decision."


def source() -> str:
    """The text of `worker.entry.run_task`, which never changes with a version of jitnas_fn.

    It is read from the file, and not imported, so that comments and line breaks are those of the file.
    """
    spec = find_spec("jitnas_fn.worker.entry")
    assert spec is not None
    text = Path(str(spec.origin)).read_text(encoding="utf-8")
    found = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == NAME)
    return (ast.get_source_segment(text, found) or "") + "\n"


def register(client: Any, *, public: bool) -> str:
    """Register the function with the service.

    Parameters
    ----------
    client
        A `globus_compute_sdk.Client`.
    public
        Whether anybody may call it where an endpoint allows it: needed for an endpoint that others share.

    Returns
    -------
    str
        Its id, a UUID.
    """
    return str(client.register_source_code(source(), NAME, description=DESCRIPTION, public=public))


def registered(client: Any, *, folder: Path, anew: bool = False) -> str:
    """The id of this person's own registration, made if there is none of this source yet.

    Parameters
    ----------
    client
        A `globus_compute_sdk.Client`.
    folder
        Where ids are kept, by the source's hash.
    anew
        Whether to register it whatever is kept.
    """
    kept = folder / f"function-{hashlib.sha256(source().encode()).hexdigest()[:16]}.txt"
    with contextlib.suppress(OSError, ValueError):
        if not anew:
            return str(uuid.UUID(kept.read_text("ascii").strip()))
    found = register(client, public=False)
    with contextlib.suppress(OSError):  # else it is registered once more the next time
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / f"{kept.name}.{os.getpid()}"
        written.write_text(f"{found}\n", "ascii")
        written.replace(kept)
    return found
