"""The user's side: a store, an executor, and futures that know their key."""

import importlib
from typing import Any

_HOMES = {
    "Client": "jitnas_fn.client.client",
    "Evaluation": "jitnas_fn.client.evaluation",
    "Explanation": "jitnas_fn.client.explanation",
    "Status": "jitnas_fn.client.status",
}

__all__ = ["Client", "Evaluation", "Explanation", "Status"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: who looks up a key needs `client.cache` alone."""
    if name not in _HOMES:
        raise AttributeError(f"module 'jitnas_fn.client' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found
