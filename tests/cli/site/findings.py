"""What `jitnas site doctor` finds in the folder of an endpoint, check by check."""

from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site.doctor import found as found_by


def found(check, folder, subject=None):
    findings = list(found_by("the check", check, Endpoint(folder)))
    return [finding for finding in findings if subject in (None, finding.subject)]


def states(check, folder, subject=None):
    return [(finding.subject, finding.state) for finding in found(check, folder, subject)]


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
