"""The functions that an agent runs, in its configuration: one line, changed in place; the rest of the file stays."""

import json
import re
from collections.abc import Collection
from pathlib import Path

from jitnas_fn.cli.site._rendering import loaded
from jitnas_fn.core.errors import SiteFileError, StoreError

LINE = re.compile(r"^allowed_functions:[^\n]*(?:\n[ \t]*(?:-[^\n]*|#[^\n]*(?=\n[ \t]*-)))*", re.MULTILINE)


def allow(config: Path, function: str, *, instead_of: Collection[str] = ()) -> bool:
    """Have an agent run a function.

    Parameters
    ----------
    config
        The agent's `config.yaml`.
    function
        Id of the function.
    instead_of
        Ids of functions that are taken out.

    Returns
    -------
    bool
        Whether the file was changed.

    Raises
    ------
    SiteFileError
        If the file is none that the agent can read, before or after the change.
    StoreError
        If it cannot be read or written.
    """
    try:
        text = config.read_text("utf-8")
    except (OSError, ValueError) as reason:
        raise StoreError(f"{config} cannot be read: {reason}") from None
    before = list(loaded(text).allowed_functions or ())
    after = [one for one in before if one not in instead_of or one == function]
    after += [function] * (function not in after)
    if after == before:
        return False
    line = f"allowed_functions: {json.dumps(after)}"
    changed = LINE.sub(line, text, count=1) if LINE.search(text) else f"{text.rstrip()}\n\n{line}\n"
    if list(loaded(changed).allowed_functions or ()) != after:
        raise SiteFileError(f"{config}: allowed_functions cannot be changed where it stands; write {line} there yourself")
    replace(config, changed)
    return True


def replace(path: Path, text: str) -> None:
    """Replace a file as a whole, with the mode it had."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, "utf-8")
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except OSError as reason:
        draft.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {reason}") from None
