"""Where endpoints of this account lie, and which one is meant."""

import os
import re
import uuid
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli.site._fields import is_plain
from jitnas_fn.cli.site._profiles import ENVIRONMENT, SITE, TEMPLATE
from jitnas_fn.core.errors import StoreError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
USUAL = "jitnas"
Named = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Of the endpoint; the only one there is if left out.", show_default=False)
]


def user_folder() -> Path:
    """The folder of all endpoints of this account: `$GLOBUS_COMPUTE_USER_DIR`, else `~/.globus_compute`."""
    return Path(os.environ.get("GLOBUS_COMPUTE_USER_DIR") or "~/.globus_compute").expanduser().absolute()


def new_endpoint(name: str) -> Path:
    """The folder of an endpoint that is to be made.

    Raises
    ------
    typer.BadParameter
        For a name that an endpoint may not have.
    StoreError
        If there is one already, or its folder would lie where Parsl cannot write scripts.
    """
    if not NAME.fullmatch(name) or name.startswith("uep") or _is_uuid(name):
        raise typer.BadParameter(f"the name of an endpoint is letters, digits, _ and -, and no UUID, not {name[:60]!r}")
    folder = user_folder() / name
    if folder.exists():
        raise StoreError(
            f"{folder} is there already: choose another --name, or remove it (globus-compute-endpoint delete {name})"
        )
    if not is_plain(folder):
        raise StoreError(
            f"{folder} goes into commands of shell as it is: name another folder in GLOBUS_COMPUTE_USER_DIR, "
            "of letters, digits and . / + @ = , - _"
        )
    return folder


def endpoint_named(name: str | None) -> Path:
    """The folder of the endpoint that is meant; raises `typer.BadParameter` if that is none, or not clear."""
    if name is not None and NAME.fullmatch(name) and (user_folder() / name / TEMPLATE).is_file():
        return user_folder() / name
    known = sorted(path.parent.name for path in user_folder().glob(f"*/{TEMPLATE}") if _is_ours(path.parent))
    if name is None and len(known) == 1:
        return user_folder() / known[0]
    there = f"there are {', '.join(known)}" if known else "there is none; jitnas site init makes one"
    asked = "name the endpoint" if name is None else f"no endpoint {name[:60]!r}"
    raise typer.BadParameter(f"{asked} in {user_folder()}: {there}")


def _is_ours(folder: Path) -> bool:
    return (folder / SITE).is_file() or "JITNAS_SITE" in _text(folder / ENVIRONMENT)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return ""


def _is_uuid(name: str) -> bool:
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True
