"""How an endpoint's folder is written: whole, or not at all."""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from jitnas_fn.cli.site._profiles import SHIMS
from jitnas_fn.core.errors import StoreError

OWN, EVERYBODYS, PROGRAM = 0o700, 0o644, 0o755


def write(folder: Path, files: Mapping[str, str], *, elsewhere: Mapping[Path, str]) -> None:
    """Write a folder that is not there yet, and files elsewhere that are not there yet.

    Raises
    ------
    StoreError
        If it cannot be written, or something is there; then nothing was written.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    made: list[Path] = []
    try:
        draft.mkdir(parents=True, mode=OWN)
        for name, text in files.items():
            path = draft / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
            path.chmod(PROGRAM if name.startswith(f"{SHIMS}/") else EVERYBODYS)
        for path, text in elsewhere.items():
            _make(path, text)
            made.append(path)
        draft.rename(folder)
    except OSError as reason:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        raise StoreError(f"{folder} cannot be written ({reason}): nothing was changed") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    path.chmod(EVERYBODYS)
