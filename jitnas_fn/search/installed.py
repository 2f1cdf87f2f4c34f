"""What is the user's own, and what comes from the standard library or an installed package."""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

LIBRARY = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
FOLDERS = {"site-packages", "dist-packages"}  # of packages
OURS = Path(__file__).resolve().parents[1]


def is_installed(value: Any) -> bool:
    """Whether a module, class or function is of the standard library or an installed package, this one among them."""
    if isinstance(value, FunctionType):
        return is_of_a_package(value.__code__.co_filename)
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    if name == "__main__":  # a script or a notebook, whatever program runs it
        return False
    module = sys.modules.get(str(name))
    if module is None:  # made by hand
        return False
    file = getattr(module, "__file__", None)
    if file is not None:
        return is_of_a_package(file)
    return not hasattr(module, "__path__")  # of Python itself; or a folder of files


def is_of_a_package(file: str) -> bool:
    """Whether a file is of the standard library or an installed package."""
    path = Path(file).resolve()
    return not FOLDERS.isdisjoint(path.parts) or any(path.is_relative_to(folder) for folder in (*LIBRARY, OURS))


def imported_by(text: str, package: str | None) -> Iterator[tuple[str, str | None]]:
    """The files of the user's, with their packages, that a source imports, within functions too."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # a cell with commands that are no Python
        return
    for name in dict.fromkeys(name for node in ast.walk(tree) for name in _names(node)):
        spec = None if _is_installed(name) else _spec(name, package)
        if spec is not None and spec.origin is not None and Path(spec.origin).is_file() and not is_of_a_package(spec.origin):
            yield spec.origin, spec.name if spec.submodule_search_locations else spec.parent


def _is_installed(name: str) -> bool:
    """Whether the package that an absolute name begins with is installed: what lies within it is not looked for."""
    spec = None if name.startswith(".") else _spec(name.partition(".")[0], None)
    if spec is None or spec.origin is None:
        return False
    return not Path(spec.origin).is_file() or is_of_a_package(spec.origin)


def _spec(name: str, package: str | None) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name, package)
    except (ImportError, AttributeError, ValueError, TypeError):  # there is none, or it is no module
        return None


def _names(node: ast.AST) -> Iterator[str]:
    """The modules that a statement may import; what stands behind `from x import` may be one too."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        source = "." * node.level + (node.module or "")
        if node.module:
            yield source
        yield from (f"{source}{'.' if node.module else ''}{alias.name}" for alias in node.names)
