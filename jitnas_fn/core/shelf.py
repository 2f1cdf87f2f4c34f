"""Names become things only here: a file on a shelf (a package such as `jitnas_fn.datasets`) is public under its own name."""

import importlib
import pkgutil
from types import ModuleType

from jitnas_fn.core.errors import UnknownName


def names(shelf: str) -> list[str]:
    """Names of the files on `shelf`, sorted. A leading underscore hides a file.

    Parameters
    ----------
    shelf
        The package, relative to jitnas_fn: "datasets", "recipes".
    """
    package = importlib.import_module(f"jitnas_fn.{shelf}")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def take(shelf: str, name: str) -> ModuleType:
    """Import the file called `name` from `shelf`.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    if name not in names(shelf):
        raise UnknownName(f"no {str(name)[:80]!r} in {shelf}; there are {', '.join(names(shelf))}")
    return importlib.import_module(f"jitnas_fn.{shelf}.{name}")
