"""Whether Slurm would take the jobs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jitnas_fn.backends._commands import NOT_FOUND, answer, surroundings
from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._finding import Finding, doubtful, well, wrong
from jitnas_fn.cli.site._rendering import loaded, rendered
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import SiteFileError

PATIENCE_SECONDS = 30.0


def slurm(endpoint: Endpoint) -> Iterator[Finding]:
    """Whether the partitions are there, the account may be used, and Slurm would take a job as it would be sent."""
    partitions = endpoint.stated.get("partitions")
    if not partitions:
        return
    code, _, complaint = _said(endpoint, "sinfo --noheader --format=%R")
    if code == NOT_FOUND:
        yield wrong("slurm", "there is no sinfo on the PATH of the agent", "add its folder to PATH in user_environment.yaml")
        return
    if code != 0:
        yield wrong("slurm", f"sinfo: {complaint.strip()}", "is this a login node of the cluster?")
        return
    for partition in partitions:
        yield from _partition(endpoint, str(partition))
    yield from _account(endpoint, str(endpoint.stated.get("account") or ""))
    for partition in partitions:
        yield from _test_only(endpoint, str(partition))


def _partition(endpoint: Endpoint, name: str) -> Iterator[Finding]:
    _, told, _ = _said(endpoint, f"sinfo --noheader --partition={name} --format='%R|%a|%l|%G'")
    rows = [line.split("|") for line in told.splitlines() if line.count("|") == 3]
    if not rows:
        todo = f"name one of {', '.join(_all_partitions(endpoint)) or 'those that sinfo lists'}"
        yield wrong("partition", f"there is no partition {name}", f"{todo}, in the template and the schema")
    elif all(row[1] != "up" for row in rows):
        yield doubtful("partition", f"{name} is {rows[0][1]}", "jobs wait until it is up")
    else:
        gpus = ", ".join(sorted({row[3] for row in rows if row[3] != "(null)"})) or "none that sinfo tells of"
        yield well("partition", f"{name}: jobs of at most {rows[0][2]}; GPUs: {gpus}")


def _all_partitions(endpoint: Endpoint) -> list[str]:
    return sorted(set(_said(endpoint, "sinfo --noheader --format=%R")[1].split()))


def _account(endpoint: Endpoint, account: str) -> Iterator[Finding]:
    user = endpoint.service_account if endpoint.is_shared else None
    whose = f"user={user}" if user else f"user={_user()}"
    code, told, _ = _said(endpoint, f"sacctmgr --noheader --parsable2 show associations {whose} format=account")
    known = sorted({line.strip() for line in told.splitlines() if line.strip()})
    if code != 0 or not known:
        if account:
            yield doubtful("account", f"{account}: Slurm does not tell which accounts there are", "the next check tries it")
    elif not account:
        yield well("account", f"left to Slurm, which knows {', '.join(known)}")
    elif account in known:
        yield well("account", account)
    else:
        yield wrong("account", f"{account} is none of this user's accounts: {', '.join(known)}", "set account in the template")


def _test_only(endpoint: Endpoint, partition: str) -> Iterator[Finding]:
    """The very script that would be sent, with `sbatch --test-only`, which asks for nothing."""
    chosen = {"profile": "train", "partition": partition}
    try:
        code, told, complaint = tried(endpoint, chosen)
    except SiteFileError as reason:
        yield wrong("sbatch", str(reason), "mend the template")
        return
    said = " ".join((complaint or told).split())
    if code == 0:
        yield well("sbatch", f"it would take a job in {partition}: {said}")
    else:
        yield wrong("sbatch", f"it would refuse a job in {partition}: {said}", "set what it names in the template")


def tried(endpoint: Endpoint, options: Json) -> tuple[int, str, str]:
    """What `sbatch --test-only` returned, said and complained of, about a job of these options."""
    provider: Any = loaded(rendered(endpoint.folder, options)).engine.provider
    outcome: list[tuple[int, str, str]] = []

    def only_try(command: str, timeout: float | None = None) -> tuple[int, str, str]:
        outcome.append(_said(endpoint, command.replace("sbatch ", "sbatch --test-only ", 1)))
        return 0, "Submitted batch job 0", ""

    with tempfile.TemporaryDirectory(prefix="jitnas-doctor-") as folder:
        Path(folder).chmod(0o755)  # the service account reads the script
        provider.script_dir, provider.execute_wait = folder, only_try
        provider.submit("exec true", 1, "jitnas-doctor")
    return outcome[0]


def _said(endpoint: Endpoint, command: str) -> tuple[int, str, str]:
    """What a command of Slurm's says, with the environment that the agent's processes have, and under their account."""
    environment = {**surroundings(("account", "partition", "qos", "constraint")), **endpoint.environment}
    return answer(" ".join([*endpoint.as_others(), command]), environment=environment, seconds=PATIENCE_SECONDS)


def _user() -> str:
    import getpass

    return getpass.getuser()
