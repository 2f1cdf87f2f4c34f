"""What nobody needs to be asked for: paths of this machine, and what follows from what a site states."""

import getpass
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from jitnas_fn import settings
from jitnas_fn.cli.site._fields import is_plain
from jitnas_fn.cli.site._filling import KNOWN
from jitnas_fn.cli.site._profiles import ENVIRONMENT, MAPPING, SHIMS, SITE
from jitnas_fn.core.errors import StoreError

SCHEDULER = ("sbatch", "ghbatch")  # the second is Bede's
SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
ADMINISTRATORS = Path("/etc/jitnas")  # of a shared endpoint: others read there, only root writes


def known_here(values: dict[str, Any], folder: Path, *, is_shared: bool, has_shims: bool) -> dict[str, Any]:
    """The values of a site with all filled in that is known without asking.

    Parameters
    ----------
    values
        As the profile and the administrator state them.
    folder
        Of the endpoint.
    is_shared
        Whether others work there under another account, who cannot read what lies in root's home.
    has_shims
        Whether the folder has programs that come first on the PATH.
    """
    found = {name: _completed(value, values) for name, value in values.items()}
    here = _this_interpreter()
    known: dict[str, str] = {
        "name": folder.name,
        "display_name": folder.name,
        "python": str(found["agent_python"]) if found.get("agent_python", KNOWN) != KNOWN else here,
        "agent_python": here,
        "site_file": str(ADMINISTRATORS / f"{folder.name}.toml" if is_shared else folder / SITE),
        "mapping_file": str(folder / MAPPING),
        "folder": str(settings.home() / "sites" / folder.name),
    }
    found |= {name: word for name, word in known.items() if found.get(name) == KNOWN}
    if found.get("store") == KNOWN:
        found["store"] = str(Path(found["folder"]) / "store")
    if found.get("path") == KNOWN:
        found["path"] = _path(found, folder, has_shims=has_shims)
    return found


def with_cluster(files: dict[str, str]) -> dict[str, str]:
    """The files of an endpoint; where Slurm's commands are told by `$SLURM_CONF` which cluster is meant, theirs are too."""
    stated = os.environ.get("SLURM_CONF", "")
    if not stated or not is_plain(Path(stated)):
        return files
    line = f"\n# Which cluster sbatch, squeue and scancel mean.\nSLURM_CONF: {json.dumps(stated)}\n"
    return {**files, ENVIRONMENT: files[ENVIRONMENT] + line}


def _completed(value: Any, values: dict[str, Any]) -> Any:
    """A path with the account and the user in their places."""
    if not isinstance(value, str) or "{" not in value:
        return value
    return value.replace("{account}", str(values.get("account"))).replace("{user}", getpass.getuser())


def _this_interpreter() -> str:
    """The interpreter that runs here, by the name of its environment and not of what that links to."""
    if not is_plain(Path(sys.executable)):
        raise StoreError(
            f"the interpreter {sys.executable} goes into commands of shell as it is: "
            "make an environment whose path has only letters, digits and . / + @ = , - _"
        )
    return sys.executable


def _path(values: dict[str, Any], folder: Path, *, has_shims: bool) -> str:
    """Where programs are found: short, and the same whoever starts the agent."""
    interpreter = Path(values.get("agent_python") or values["python"])
    found = filter(None, map(shutil.which, SCHEDULER))
    places = [
        *([str(folder / SHIMS)] if has_shims else []),
        str(interpreter.parent),
        *(str(Path(program).absolute().parent) for program in found),
        *SYSTEM,
    ]
    return ":".join(dict.fromkeys(place for place in places if is_plain(Path(place))))
