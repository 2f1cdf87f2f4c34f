"""Which versions are installed here, without importing anything heavy."""

import importlib.metadata
import platform

from jitnas_fn.core.codec import Json


def version(distribution: str) -> str:
    """Version of an installed distribution; "unknown" if it runs from a folder that was never installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def versions() -> Json:
    """What a site tells of itself."""
    found: Json = {name: version(name) for name in ("jitnas_fn", "torch", "numpy")}
    return {**found, "python": platform.python_version()}
