"""`jitnas site doctor`."""

from collections.abc import Callable, Iterator

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.failures import FAILURE, FOUND
from jitnas_fn.cli.site import _checks_endpoint, _checks_machine, _checks_network, _checks_site, _checks_slurm
from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._finding import FAIL, Finding, told, wrong
from jitnas_fn.cli.site._globus import needed
from jitnas_fn.cli.site._places import Named, endpoint_named
from jitnas_fn.core.errors import JitnasError

Check = Callable[[Endpoint], Iterator[Finding]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("folder", _checks_endpoint.folder),
    ("configuration", _checks_endpoint.configuration),
    ("function", _checks_endpoint.registration),
    ("site", _checks_site.site_file),
    ("sharing", _checks_site.sharing),
    ("storage", _checks_site.kept),
    ("interpreter", _checks_machine.agent),
    ("jobs", _checks_machine.jobs),
    ("slurm", _checks_slurm.slurm),
    ("network", _checks_network.network),
    ("agent", _checks_endpoint.presence),
)


def doctor(name: Named = None, *, as_json: options.AsJson = False) -> None:
    """Look whether all is there that an endpoint needs, and say what to do where it is not. Exits with 1 if anything fails.

    It changes nothing and asks for no job; in the site's folders it writes a small file and takes it away again.
    """
    needed()
    with answering(as_json=as_json) as answer:
        endpoint = Endpoint(endpoint_named(name))
        findings = [finding for subject, check in CHECKS for finding in found(subject, check, endpoint)]
        failed = any(finding.state == FAIL for finding in findings)
        fields = {"name": endpoint.name, "well": not failed, "findings": [finding.to_dict() for finding in findings]}
        answer.give(fields, text=told(findings))
    raise typer.Exit(FAILURE if failed else FOUND)


def found(subject: str, check: Check, endpoint: Endpoint) -> Iterator[Finding]:
    """What a check finds; that it cannot go on is a finding too."""
    try:
        yield from check(endpoint)
    except JitnasError as reason:
        yield wrong(subject, str(reason), "mend that, then look again")


COMMAND = doctor
