"""Whether the site file is good, and the storage that it names."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._finding import FAIL, OK, WARN, Finding, doubtful, well, wrong
from jitnas_fn.cli.site._storage import storage
from jitnas_fn.worker.site import Site

PATIENCE_SECONDS = 60


def site_file(endpoint: Endpoint) -> Iterator[Finding]:
    """What may be trained here, as the site file says it."""
    site = endpoint.site()
    yield well("site", f"{site.name!r} accepts {', '.join(site.accepts)}, on {site.device}: {endpoint.site_file}")
    if "cloudpickle" in site.accepts:
        met = "it accepts cloudpickle: whoever may use the endpoint runs any code here"
        yield (wrong if endpoint.is_shared else doubtful)(
            "site", met, 'accepts = ["graph"] is enough for everything that has a key'
        )
    if site.folder is None or site.store is None:
        yield wrong("site", "folder or store is missing in the site file", "name folders on storage that all nodes see")
    uses_slurm = "partitions" in endpoint.stated
    if uses_slurm and not site.slurm:
        yield doubtful("site", "nobody is told how its jobs are", 'write scheduler = "slurm" under [blocks]')


def kept(endpoint: Endpoint) -> Iterator[Finding]:
    """The folders of the site, tried by whoever will write there."""
    folders, others = folders_of(endpoint.site()), endpoint.as_others()
    if not others:
        for folder in folders:
            yield from storage(folder)
        return
    account, python = endpoint.service_account, str(endpoint.stated.get("agent_python"))
    command = [*others, python, "-m", "jitnas_fn.cli.site._storage", *map(str, folders)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd="/")
        findings = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired) as reason:
        yield wrong("storage", f"nothing could be tried as {account}: {reason}", "try again")
        return
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        yield wrong("storage", f"{account} cannot run {python}: {said}", f"install jitnas_fn where {account} can read it")
        return
    states = {state.lower(): state for state in (OK, WARN, FAIL)}
    for finding in findings:
        yield Finding(finding["subject"], states[finding["state"]], finding["met"], finding["todo"])


def sharing(endpoint: Endpoint) -> Iterator[Finding]:
    """Of an endpoint that is shared: the account under which others work, and what it can read and write."""
    if not endpoint.is_shared:
        return
    import pwd  # only POSIX has it, and so has an endpoint

    account = endpoint.service_account
    if account is None:
        yield doubtful(
            "sharing", "identities are mapped to several accounts", "each of them needs to write to the site's folder"
        )
        return
    try:
        found = pwd.getpwnam(account)
    except KeyError:
        yield wrong("sharing", f"there is no account {account!r}", f"useradd --system --create-home {account}, on all nodes")
        return
    if found.pw_uid == 0:
        yield wrong("sharing", "identities are mapped to root", "map them to an account that can do nothing else")
    for path in (endpoint.site_file, Path(str(endpoint.stated.get("agent_python")))):
        if (hidden := _hidden(path)) is not None:
            met = f"{account} cannot read {path}, since {hidden} is not open to others"
            yield wrong("sharing", met, f"put it where others may read, or chmod o+rx {hidden}")
    if _may_write(endpoint.site_file, user=found.pw_uid, group=found.pw_gid):
        yield wrong(
            "sharing",
            f"{account} may change {endpoint.site_file}",
            f"chown root {endpoint.site_file}; chmod 644 {endpoint.site_file}",
        )
    yield well("sharing", f"others work as {account}")


def folders_of(site: Site) -> list[Path]:
    """Where a site keeps things: its folder, and its store unless that lies in it."""
    folder = site.where()
    store = getattr(site.store, "folder", None)
    return [folder, *([Path(store)] if store is not None and folder not in Path(store).parents else [])]


def _hidden(path: Path) -> Path | None:
    """The first folder above a file, or the file, that others may not enter or read; None if all may."""
    for place in (*reversed(path.parents), path):
        try:
            mode = place.stat().st_mode
        except OSError:
            return place
        if place == path and not mode & 0o004:
            return place
        if place != path and not mode & 0o001:
            return place
    return None


def _may_write(path: Path, *, user: int, group: int) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    of_group = found.st_gid == group and found.st_mode & 0o020
    return found.st_uid == user or bool(found.st_mode & 0o002) or bool(of_group)
