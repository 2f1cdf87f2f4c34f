"""What a site on one machine needs: Debian's packages, and a name of this machine that is its own address.

Slurm's tests need no RabbitMQ, and the other way round.

`python -m tests.site.needs` installs the packages, as root with apt; else it says what is missing, and fails.
"""

import contextlib
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

PACKAGES = {  # a program: the package that has it
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "sbatch": "slurm-wlm",
    "munged": "munge",
    "munge": "munge",
}
RABBITMQ = {"rabbitmq-server": "rabbitmq-server"}
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))
HIERARCHIES = ("freezer", "memory", "cpuacct")
SYS_ADMIN = 21  # the capability's number
LACK = "this machine cannot do it: "  # how the reason of a test that is skipped begins


def missing(packages=PACKAGES):
    """Debian's packages of the programs that are not there."""
    return sorted({package for program, package in packages.items() if shutil.which(program, path=PATH) is None})


def own_address():
    """The address that this host's own name stands for. Slurm's daemons can be told to listen there, or everywhere."""
    return socket.gethostbyname(socket.gethostname())


def obstacle():
    """Why there can be no Slurm here, in words, or None."""
    name = socket.gethostname()
    if not sys.platform.startswith("linux"):
        return f"Slurm runs on Linux; this is {sys.platform}"
    if packages := missing():
        return (
            f"Slurm is not installed: make test-site as root, or apt-get install --no-install-recommends {' '.join(packages)}"
        )
    try:
        address = own_address()
    except OSError:
        return f"this host's own name, {name}, has no address: Slurm needs a line '127.0.1.1 {name}' in /etc/hosts"
    if not ipaddress.ip_address(address).is_loopback and not any(sign.exists() for sign in CONTAINER):
        return (
            f"this host's own name, {name}, stands for {address}, where others could reach the cluster: "
            f"Slurm needs a line '127.0.1.1 {name}' in /etc/hosts, before any other with that name"
        )
    return None


def obstacle_to_rabbitmq():
    """Why there can be no RabbitMQ here, in words, or None."""
    if packages := missing(RABBITMQ):
        how = f"make test-site as root, or apt-get install --no-install-recommends {' '.join(packages)}"
        return f"RabbitMQ is not installed: {how}"
    return None


def has_cgroups():
    """Whether Slurm can hold jobs in cgroups here: those of version 1, as root. Version 2 would need systemd."""
    return os.geteuid() == 0 and all(os.access(f"/sys/fs/cgroup/{name}/release_agent", os.W_OK) for name in HIERARCHIES)


def can_mount():
    """Whether disks can be mounted here: root has that right, unless a container took it."""
    rights = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return rights is not None and bool(int(rights[1], 16) >> SYS_ADMIN & 1)


def is_required():
    """Whether somebody said that nothing which can be tested here may be left out."""
    return os.environ.get("JITNAS_TEST_SITE") == "required"


def is_excuse(reason):
    """Whether a test may be skipped for this reason."""
    return reason.removeprefix("Skipped: ").startswith(LACK) or not is_required()


@contextlib.contextmanager
def no_daemons(policy=Path("/usr/sbin/policy-rc.d")):
    """While this lasts, a package that is installed starts nothing: RabbitMQ and its epmd would listen at every address."""
    if policy.exists():  # a container's, which says the same, or what an administrator decided
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def keep_down(names):
    """Keep the daemons of packages that were installed for the tests from being started when the machine boots."""
    if Path("/run/systemd/system").exists():
        for name in names:
            subprocess.run(["systemctl", "disable", "--quiet", name], check=False)


def install():
    """Install what is missing, or exit with what a person has to do."""
    packages = missing(PACKAGES | RABBITMQ)
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=apt, check=True)
        with no_daemons():
            subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages], env=apt, check=True)
        if "rabbitmq-server" in packages:
            keep_down(["rabbitmq-server.service", "epmd.socket", "epmd.service"])
    if reason := obstacle() or obstacle_to_rabbitmq():
        sys.exit(f"the tests of a site cannot run: {reason}")


if __name__ == "__main__":
    install()
