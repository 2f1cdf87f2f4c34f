"""What is started for the hosted part of a site is known by its environment, and with it all that it has begun since."""

import os
from pathlib import Path

from tests.site import processes

HOSTED = "JITNAS_TEST_HOSTED"  # the folder of the whole
BROKER = "JITNAS_TEST_BROKER"  # the folder of a broker
AGENT = "JITNAS_TEST_AGENT"  # the configuration folder of an agent


def marked(name, value):
    """Pids of the processes with this in their environment, and of their descendants, but for this process."""
    pids = sorted({int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()} - {os.getpid()})
    found = {pid for pid in pids if processes.environment(pid).get(name) == value}
    parents = {pid: parent for pid in pids if (parent := parent_of(pid)) is not None}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(pid for pid in found if not is_zombie(pid))


def parent_of(pid):
    """The parent of a process, or None where it is gone."""
    try:
        return processes.parent_of(pid)
    except OSError:
        return None


def is_zombie(pid):
    """Whether a process is over, and only its parent has not heard yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
