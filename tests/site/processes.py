"""The processes of one cluster: found by what stands in their environment, ended by pid, never by name."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

PART = "JITNAS_SITE_PART"  # which daemon it is: the name of its node, or of the program; step daemons inherit it
NODE = "SLURMD_NODENAME"  # Slurm's own, in every process of a job


def configuration(folder):
    return folder / "etc" / "slurm.conf"


def environment(pid):
    """The environment that a process was started with; empty where it is gone, a zombie, or not ours to read."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    return dict(entry.partition("=")[::2] for entry in os.fsdecode(text).split("\0") if "=" in entry)


def command(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_line(pid):
    """The command line of a process, empty where it is gone."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
    except OSError:
        return ""


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def processes(folder):
    """Every daemon of the cluster in this folder and every process of its jobs: pid and environment."""
    pids = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()} - {os.getpid()}
    found = ((pid, environment(pid)) for pid in sorted(pids))
    mark = str(configuration(folder))
    return {pid: env for pid, env in found if env.get("SLURM_CONF") == mark and (PART in env or NODE in env)}


def daemons(folder, part):
    """Pids of a daemon; of a node's: its slurmd and the step daemons."""
    return [pid for pid, env in processes(folder).items() if env.get(PART) == part]


def slurmd(folder, node):
    return [pid for pid in daemons(folder, node) if command(pid) == "slurmd"]


def job_processes(folder, node):
    """Pids of what jobs run on a node, also of what has left its session, and with cgroups its environment too."""
    return sorted({pid for pid, env in processes(folder).items() if PART not in env and env[NODE] == node} | contained(node))


def cgroups(node):
    """Slurm's cgroups of a node, in each hierarchy, inner ones first."""
    top = Path("/sys/fs/cgroup").glob(f"*/slurm_{node}")
    return [Path(path) for root in top for path, _, _ in os.walk(root, topdown=False)]


def contained(node):
    pids = set()
    for group in cgroups(node):
        with contextlib.suppress(OSError):
            pids |= {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
    return pids


def gone(find, looks=3):
    """Whether `find` tells no pid, some times in a row: what forks and exits, as daemons do, slips through one look."""
    for look in range(looks):
        if look:
            time.sleep(0.02)
        if find():
            return False
    return True


def end(find, seconds=10):
    """Kill the pids that `find` tells, until it tells none: what dies may have begun something just before."""
    deadline = time.monotonic() + seconds
    while not gone(find):
        for pid in (pids := find()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {pids} outlive SIGKILL by {seconds} s")


def take_down(folder, seconds=10):
    """Leave nothing of the cluster in this folder: no process, no cgroup, no file. Also when only half of it is there."""
    nodes = [path.name for path in folder.glob("spool/*")]
    end(lambda: sorted({*processes(folder), *(pid for node in nodes for pid in contained(node))}))
    deadline = time.monotonic() + seconds
    while folder.exists() or any(map(cgroups, nodes)):
        for group in (group for node in nodes for group in cgroups(node)):
            with contextlib.suppress(OSError):  # the kernel is not done with a process that was in it
                group.rmdir()
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{folder} or the cgroups of {', '.join(nodes)} are still there after {seconds} s")
        time.sleep(0.02)
