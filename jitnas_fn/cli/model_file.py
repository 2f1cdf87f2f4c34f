"""FILE.py:NAME on the command line: the file is imported, the name is taken from it."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from jitnas_fn.core.errors import ModelFileError


def model_in(target: str) -> object:
    """What FILE.py:NAME stands for.

    Parameters
    ----------
    target
        A Python file, a colon, and the name of a module, a class or a function without arguments in it.

    Raises
    ------
    ModelFileError
        If the file cannot be imported or has no such name; the message says the line, or the names there are.
    """
    file, _, name = target.rpartition(":")
    path = Path(file).absolute()
    if not file or not name.isidentifier():
        raise ModelFileError(f"expected FILE.py:NAME or a key of 64 hexadecimal digits, not {target[:200]!r}")
    if not path.is_file():
        raise ModelFileError(f"there is no file {file}")
    module = _imported(path)
    if not hasattr(module, name):
        raise ModelFileError(f"no {name!r} in {path.name}; there are {', '.join(_models(module)) or 'no classes or functions'}")
    return getattr(module, name)


def _imported(path: Path) -> ModuleType:
    """The file as a module; its own folder is importable, as with `python FILE.py`."""
    name = f"_model_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelFileError(f"{path.name} is no Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ModelFileError(f"{path.name} cannot be imported: {_place(error, path)}{type(error).__name__}: {error}") from error
    return module


def _place(error: BaseException, path: Path) -> str:
    """Where in the file, as "line 12: ": its last line that was running."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"line {error.lineno}: "
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {lines[-1]}: " if lines else ""


def _models(module: ModuleType) -> list[str]:
    own = (
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and callable(value)
    )
    return sorted(name for name in own if not name.startswith("_"))[:10]
