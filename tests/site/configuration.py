"""What a cluster consists of, and the files that say so to Slurm."""

import dataclasses
import os
import pwd
import secrets
import socket

from tests.site.needs import has_cgroups, own_address
from tests.site.processes import configuration

MAX_FOLDER = 50  # [characters] a unix socket's name has 107 at most, and a step daemon's takes up to 57 under the folder


@dataclasses.dataclass(frozen=True)
class Node:
    """A virtual node. It may claim more processors, memory and GPUs than there are."""

    name: str
    partitions: tuple[str, ...]
    gpus: int = 0
    gpu_type: str = ""
    cpus: int = 16
    memory_mib: int = 64_000

    @property
    def gres(self):
        return f"gpu:{self.gpu_type}:{self.gpus}".replace("::", ":")


NODES = (
    Node("gpu1", ("gpu", "scavenge"), gpus=4),
    Node("gpu2", ("gpu", "scavenge"), gpus=4),
    Node("infer1", ("infer",), gpus=2, gpu_type="t4", cpus=8, memory_mib=32_000),
)
PARTITIONS = {
    "gpu": "Default=YES PriorityTier=10 PreemptMode=OFF DefaultTime=01:00:00 MaxTime=1-00:00:00",
    "infer": "PriorityTier=10 PreemptMode=OFF DefaultTime=01:00:00 MaxTime=INFINITE",
    "scavenge": "PriorityTier=1 PreemptMode=REQUEUE GraceTime=0 DefaultTime=01:00:00 MaxTime=1-00:00:00",
}


def free_ports(address, count):
    """Ports nobody listens at, below those that the system hands out for connections."""
    held = []
    try:
        while len(held) < count:
            held.append(socket.socket())
            try:
                held[-1].bind((address, 10_000 + secrets.randbelow(20_000)))
            except OSError:
                held.pop().close()
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def settings(folder):
    """Slurm's settings, but for nodes and partitions."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    host = socket.gethostname().partition(".")[0]
    track, task, gather = ("cgroup",) * 3 if has_cgroups() else ("linuxproc", "none", "linux")
    return {
        "ClusterName": "test",
        "SlurmctldHost": f"{host}({own_address()})",
        "SlurmUser": user,
        "SlurmdUser": user,
        "AuthType": "auth/munge",
        "CredType": "cred/munge",
        "AuthInfo": f"socket={folder}/run/munge.socket,cred_expire=5",  # also how long a requeued job is held back
        "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool" / "%n",
        "SlurmctldPidFile": folder / "run" / "slurmctld.pid",
        "SlurmdPidFile": folder / "run" / "%n.pid",
        "SlurmctldLogFile": folder / "log" / "slurmctld.log",
        "SlurmdLogFile": folder / "log" / "%n.log",
        "SlurmdParameters": "config_overrides",  # what a node claims counts, not what is there
        "ProctrackType": f"proctrack/{track}",
        "TaskPlugin": f"task/{task}",
        "JobAcctGatherType": f"jobacct_gather/{gather}",
        "JobAcctGatherFrequency": "task=2",
        "PropagateResourceLimits": "NONE",
        "SchedulerParameters": "bf_interval=2,bf_continue,sched_interval=5,batch_sched_delay=0",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "DefMemPerCPU": 1000,
        "GresTypes": "gpu",
        "EnforcePartLimits": "ALL",  # what a partition does not allow is refused by sbatch, else it would wait for ever
        "PreemptType": "preempt/partition_prio",
        "PreemptMode": "REQUEUE",
        "ReturnToService": 2,  # a node that was down serves again as soon as it is back
        "MpiDefault": "none",
        "MailProg": "/bin/true",
        "KillWait": 5,
        "SlurmdTimeout": 10,
        "SlurmctldTimeout": 10,
        "MessageTimeout": 10,
    }


def write(folder, nodes, partitions, changes):
    """Everything that the daemons read, under an empty folder."""
    for name in ("etc", "run", "log", "state", "jobs", *(f"{kind}/{node.name}" for kind in ("spool", "dev") for node in nodes)):
        (folder / name).mkdir(parents=True)
    key = folder / "etc" / "munge.key"
    key.touch(0o600)
    key.write_bytes(secrets.token_bytes(1024))
    if has_cgroups():
        lines = ("CgroupPlugin=cgroup/v1", "CgroupAutomount=no", "ConstrainRAMSpace=yes", "ConstrainDevices=no")
        (folder / "etc" / "cgroup.conf").write_text("\n".join(lines) + "\n")
    (folder / "etc" / "gres.conf").write_text("".join(["AutoDetect=off\n", *(fake_gpus(folder, node) for node in nodes)]))
    controller, *ports = free_ports(own_address(), 1 + len(nodes))
    lines = [f"{name}={value}" for name, value in {**settings(folder), "SlurmctldPort": controller, **changes}.items()]
    lines += [node_line(node, port) for node, port in zip(nodes, ports, strict=True)]
    for name, words in partitions.items():
        members = ",".join(node.name for node in nodes if name in node.partitions)
        lines.append(f"PartitionName={name} Nodes={members} State=UP {words}")
    configuration(folder).write_text("\n".join(lines) + "\n")


def fake_gpus(folder, node):
    """Devices that Slurm takes for GPUs: it wants character devices, and a link to one will do. Its line in gres.conf."""
    if not node.gpus:
        return ""
    for number in range(node.gpus):  # counted from 0 on each node, as in CUDA_VISIBLE_DEVICES
        (folder / "dev" / node.name / f"nvidia{number}").symlink_to("/dev/null")
    kind = f"Type={node.gpu_type} " if node.gpu_type else ""
    last = f"[0-{node.gpus - 1}]" if node.gpus > 1 else "0"
    return f"NodeName={node.name} Name=gpu {kind}File={folder}/dev/{node.name}/nvidia{last}\n"


def node_line(node, port):
    host = socket.gethostname().partition(".")[0]
    claim = f"CPUs={node.cpus} RealMemory={node.memory_mib}" + (f" Gres={node.gres}" if node.gpus else "")
    return f"NodeName={node.name} NodeHostname={host} NodeAddr={own_address()} Port={port} {claim} State=UNKNOWN"
