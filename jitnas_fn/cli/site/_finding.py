"""What a check has found: whether that is well, what was met, and what to do about it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from jitnas_fn.client.standings import one_line
from jitnas_fn.core.codec import Json

OK, WARN, FAIL = "ok", "warn", "FAIL"
WIDTH = 128


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `jitnas site doctor`.

    Attributes
    ----------
    subject
        What was looked at.
    state
        "ok", "warn" or "FAIL".
    met
        What is there.
    todo
        What to do; empty where nothing is to be done.
    """

    subject: str
    state: str
    met: str
    todo: str = ""

    def to_dict(self) -> Json:
        """For JSON."""
        return {"subject": self.subject, "state": self.state.lower(), "met": self.met, "todo": self.todo}


def well(subject: str, met: str) -> Finding:
    """What is as it should be."""
    return Finding(subject, OK, met)


def doubtful(subject: str, met: str, todo: str) -> Finding:
    """What may be wrong, or could not be looked at."""
    return Finding(subject, WARN, met, todo)


def wrong(subject: str, met: str, todo: str) -> Finding:
    """What keeps the endpoint from working."""
    return Finding(subject, FAIL, met, todo)


def told(findings: Sequence[Finding]) -> str:
    """A line for each finding, below it what to do, and how many there were of which kind."""
    lines = [line for finding in findings for line in _lines(finding)]
    failed, doubts = (sum(finding.state == state for finding in findings) for state in (FAIL, WARN))
    summary = f"{len(findings)} checks: {failed} failed, {doubts} with a warning"
    return "\n".join([*lines, summary])


def _lines(finding: Finding) -> list[str]:
    head = f"{finding.state:<6}{finding.subject:<15}"
    found = textwrap.wrap(one_line(finding.met), WIDTH - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    todo = textwrap.wrap(finding.todo, WIDTH - len(head) - 4, break_long_words=False, break_on_hyphens=False)
    indent = " " * len(head)
    return [head + found[0], *(indent + line for line in found[1:]), *(f"{indent}->  {line}" for line in todo[:1])] + [
        f"{indent}    {line}" for line in todo[1:]
    ]
