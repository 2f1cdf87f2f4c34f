"""Where things are on this machine: the user's home folder of jitnas_fn the published snapshot, and shared storage."""

import os
from pathlib import Path

from jitnas_fn.core.errors import StoreError


def home() -> Path:
    """Folder of the user's cache and settings, made when it is missing.

    Returns
    -------
    Path
        `$JITNAS_HOME`, or the platform's folder for user data.

    Raises
    ------
    StoreError
        If it can be neither found nor made.
    """
    named = os.environ.get("JITNAS_HOME")
    folder = Path(named).expanduser() if named else _user_data()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as reason:
        raise StoreError(f"{folder} cannot be made ({reason}): set JITNAS_HOME to a folder that you can write to") from None
    return folder


def snapshot() -> Path:
    """Folder of the published snapshot, which need not exist.

    It is `$JITNAS_SNAPSHOT`, else `cache/` of a checkout, else the copy inside the installed package.
    """
    named = os.environ.get("JITNAS_SNAPSHOT")
    if named:
        return Path(named).expanduser()
    package = Path(__file__).resolve().parent
    checkout = package.parent / "cache"
    return checkout if (checkout / "MANIFEST.json").is_file() else package / "_snapshot"


def shared() -> Path | None:
    """Folder of the shared store that this machine can see, `$JITNAS_SHARED`; None if none is named."""
    named = os.environ.get("JITNAS_SHARED")
    return Path(named).expanduser() if named else None


def _user_data() -> Path:
    from platformdirs import user_data_dir

    return Path(user_data_dir("jitnas_fn", appauthor=False))
