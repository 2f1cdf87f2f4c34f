"""Ask for a neural network's accuracy: looked up when it is known, trained when it is not, kept for everybody."""

import importlib
from typing import Any

_HOMES = {
    "Architecture": "jitnas_fn.graphs.architecture",
    "Client": "jitnas_fn.client",
    "Evaluation": "jitnas_fn.client",
    "Explanation": "jitnas_fn.client",
    "JitnasError": "jitnas_fn.core.errors",
    "Limits": "jitnas_fn.core.task",
    "Recipe": "jitnas_fn.core.recipe",
    "Record": "jitnas_fn.core.record",
    "Status": "jitnas_fn.client",
    "compare": "jitnas_fn.search.comparing",
    "fingerprint": "jitnas_fn.client.request",
    "open_table": "jitnas_fn.client.tables",
}

__all__ = [
    "Architecture",
    "Client",
    "Evaluation",
    "Explanation",
    "JitnasError",
    "Limits",
    "Recipe",
    "Record",
    "Status",
    "compare",
    "fingerprint",
    "open_table",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import jitnas_fn` alone loads neither torch nor numpy."""
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'jitnas_fn' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("jitnas_fn")
    except metadata.PackageNotFoundError:  # a checkout that was never installed
        return "0+checkout"


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
