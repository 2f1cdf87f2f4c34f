"""Parsl's providers for our blocks. Imported only when Parsl is there."""

import contextlib
import shlex
import time
from pathlib import Path
from typing import Any

from parsl.jobs.states import JobState, JobStatus
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider, SlurmProvider
from parsl.providers.base import ExecutionProvider

from jitnas_fn.backends._blocks import JOB_NAME, Blocks
from jitnas_fn.backends._commands import LEFT_OPEN, answer, surroundings

NEWS_SECONDS = 300.0  # after `sbatch`, in which squeue may not show a job yet; for as long it shows one that has ended
TAIL_BYTES = 800  # of what a job wrote
COMMAND_SECONDS = 30  # for sbatch, squeue and scancel of a busy cluster
STATES = {
    "PENDING": JobState.PENDING,
    "CONFIGURING": JobState.PENDING,
    "REQUEUED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.HELD,
    "SUSPENDED": JobState.HELD,
    "RUNNING": JobState.RUNNING,
    "COMPLETING": JobState.RUNNING,
    "COMPLETED": JobState.COMPLETED,
    "CANCELLED": JobState.CANCELLED,
    "TIMEOUT": JobState.TIMEOUT,
    "DEADLINE": JobState.TIMEOUT,
    "PREEMPTED": JobState.TIMEOUT,
    **dict.fromkeys(("FAILED", "NODE_FAIL", "BOOT_FAIL", "OUT_OF_MEMORY", "REVOKED", "SPECIAL_EXIT"), JobState.FAILED),
}


def provider_of(blocks: Blocks, *, site_file: Path) -> ExecutionProvider:
    """What starts and ends these blocks."""
    lines = [*blocks.environment, f"export JITNAS_SITE={shlex.quote(str(site_file))}"]
    if blocks.scheduler == "local":
        return LocalProvider(  # type: ignore[no-untyped-call]
            worker_init="\n".join(lines), init_blocks=0, min_blocks=0, max_blocks=blocks.most
        )
    gpus = {} if not blocks.gpu_words else {blocks.gpu_request.replace("gpus-per-node", "scheduler"): blocks.gpu_words}
    options = [f"#SBATCH --job-name={JOB_NAME}"]
    if "scheduler" in gpus:
        options.append(f"#SBATCH --gpus-per-node={gpus['scheduler']}")
    if blocks.cores is not None:
        options.append(f"#SBATCH --cpus-per-task={blocks.cores}")
    return _Slurm(
        blocks.look_seconds,
        surroundings([name for name in LEFT_OPEN if getattr(blocks, name, None) is not None]),
        partition=blocks.partition,
        account=blocks.account,
        qos=blocks.qos,
        constraint=blocks.constraint,
        gres=gpus.get("gres"),
        mem_per_node=blocks.memory_gb,
        exclusive=blocks.whole_nodes,
        walltime=blocks.walltime,
        scheduler_options="\n".join(options),
        worker_init="\n".join(lines),
        init_blocks=0,
        min_blocks=0,
        max_blocks=blocks.most,
        cmd_timeout=COMMAND_SECONDS,
        launcher=SimpleLauncher(),  # the script becomes our block, which hears SIGTERM
    )


class _Slurm(SlurmProvider):
    """Asks squeue how blocks are, all states of one's own jobs at once.

    sacct shows a job some seconds late, and what it does not show Parsl takes for completed, for good.
    """

    def __init__(self, look_seconds: float, environment: dict[str, str], **given: Any) -> None:
        self.look_seconds, self.environment = look_seconds, environment
        self._submitted: dict[str, float] = {}
        self._shown: set[str] = set()
        super().__init__(**given)

    @property
    def status_polling_interval(self) -> Any:
        return self.look_seconds

    def submit(self, command: str, tasks_per_node: int, job_name: str = JOB_NAME) -> str:
        job_id: str = super().submit(command, tasks_per_node, job_name)
        self._submitted[job_id] = time.monotonic()
        return job_id

    def execute_wait(self, cmd: str, timeout: float | None = None) -> tuple[int, str, str]:
        return answer(cmd, environment=self.environment, seconds=timeout or self.cmd_timeout)

    def _status(self) -> None:
        code, told, _ = self.execute_wait("squeue --me --noheader --states=all --format='%i %T'")
        if code != 0:
            return
        states = dict(line.split()[:2] for line in told.splitlines() if line.strip())
        self._shown |= states.keys() & self._submitted.keys()
        for name, resource in self.resources.items():
            job_id = str(name)
            if resource["status"].terminal:
                continue
            state = STATES.get(states[job_id]) if job_id in states else self._unseen(job_id)
            if state is not None:
                paths = {"stdout_path": resource["job_stdout_path"], "stderr_path": resource["job_stderr_path"]}
                resource["status"] = JobStatus(state, **paths)

    def _unseen(self, job_id: str) -> JobState | None:
        """What a job that squeue does not show is: not there yet, or ended some time ago."""
        is_new = job_id not in self._shown and time.monotonic() - self._submitted[job_id] < NEWS_SECONDS
        return None if is_new else JobState.COMPLETED


def said_by_the_last_of(provider: Any) -> str:
    """The end of what the last job wrote to its standard error, else to its output."""
    for resource in reversed(list(provider.resources.values())):
        for name in ("job_stderr_path", "job_stdout_path"):
            path = resource.get(name)
            with contextlib.suppress(OSError):
                said = Path(path).read_bytes()[-TAIL_BYTES:].decode("utf-8", "replace").strip() if path else ""
                if said:
                    return said
    return "nothing"
