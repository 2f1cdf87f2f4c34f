"""An endpoint's folder, as it is now."""

import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jitnas_fn.cli.site._filling import values_in
from jitnas_fn.cli.site._profiles import CONFIG, ENVIRONMENT, MAPPING, TEMPLATE
from jitnas_fn.core.errors import SiteFileError, SiteUnavailable
from jitnas_fn.worker.site import Site, read

FUNCTION = "function.json"  # what `jitnas site register` has registered


@dataclass(frozen=True)
class Endpoint:
    """What an endpoint's files state."""

    folder: Path

    @property
    def name(self) -> str:
        """Of the endpoint."""
        return self.folder.name

    @property
    def is_shared(self) -> bool:
        """Whether others work here under another account."""
        return "mapping_file" in values_in(CONFIG, self.text(CONFIG))

    @cached_property
    def stated(self) -> dict[str, Any]:
        """What stands at the top of the template, by its names; raises `SiteFileError` if it cannot be read."""
        return values_in(TEMPLATE, self.text(TEMPLATE))

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of what the agent starts, as the file states it; raises `SiteFileError` if it cannot be read."""
        names = {"site_file": "JITNAS_SITE", "path": "PATH"}
        return {names.get(name, name): str(value) for name, value in values_in(ENVIRONMENT, self.text(ENVIRONMENT)).items()}

    @property
    def site_file(self) -> Path:
        """The site file that is in force here."""
        named = self.environment.get("JITNAS_SITE")
        if named is None:
            raise SiteFileError(f"{self.folder / ENVIRONMENT} names no JITNAS_SITE: what may be trained here is not said")
        return Path(named)

    def site(self) -> Site:
        """The site; raises `SiteFileError` if its file cannot be read, or says something that it may not."""
        return read(self.site_file)

    @property
    def service_account(self) -> str | None:
        """The account under which others work; None where nobody else does, or the mapping is not that simple."""
        try:
            rules = json.loads(self.text(MAPPING))[0]["mappings"]
            accounts = {str(rule["output"]) for rule in rules}
        except (SiteFileError, ValueError, KeyError, IndexError, TypeError):
            return None
        return accounts.pop() if len(accounts) == 1 else None

    def as_others(self) -> list[str]:
        """What stands in front of a command that is to be run as others will be: nothing, unless root shares this endpoint."""
        account = self.service_account if self.is_shared else None
        if account is None or os.geteuid() != 0:
            return []
        program = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise SiteUnavailable(f"nothing can be tried as {account}: there is no runuser, which util-linux has")
        return [program, "-u", account, "--"]

    def home_of_others(self) -> Path | None:
        """The home folder of what root starts for others; None if nothing is started for others, or they have none."""
        if not self.is_shared:
            return None
        stated = self.environment.get("HOME")
        try:
            return Path(stated) if stated else Path(f"~{self.service_account}").expanduser()
        except RuntimeError:  # no such account
            return None

    def registered(self) -> dict[str, Any]:
        """What was registered: {function_id, sha256, public, service}; empty before."""
        try:
            found = json.loads((self.folder / FUNCTION).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def text(self, file: str) -> str:
        """The text of one of its files; raises `SiteFileError`."""
        try:
            return (self.folder / file).read_text("utf-8")
        except (OSError, ValueError) as reason:
            raise SiteFileError(f"{self.folder / file} cannot be read: {reason}") from None
