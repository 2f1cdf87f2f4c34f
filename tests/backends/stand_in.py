"""Stands for sbatch, squeue and scancel: a job is a process of this machine. Run under their names, from `bin` of a folder.

Beside `bin` lies what it knows: `limit`, how many jobs may run at once, `asked`, a line for each sbatch, and a file or two for
each job.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(sys.argv[0]).absolute().parents[1]


def state(job):
    if (HERE / f"{job}.cancelled").exists():
        return "CANCELLED"
    code = HERE / f"{job}.code"
    return ("COMPLETED" if code.read_text() == "0\n" else "FAILED") if code.exists() else "RUNNING"


def jobs():
    return sorted(one.stem for one in HERE.glob("*.pid"))


def sbatch(script):
    with (HERE / "asked").open("a") as asked:
        asked.write(f"{script}\n")
    if sum(state(job) == "RUNNING" for job in jobs()) >= int((HERE / "limit").read_text()):
        sys.exit("sbatch: error: QOSMaxSubmitJobPerUserLimit")
    job = str(1001 + len(jobs()))
    run = f'bash "{script}" > "{HERE}/{job}.told" 2>&1; echo $? > "{HERE}/{job}.new"; mv "{HERE}/{job}.new" "{HERE}/{job}.code"'
    begun = subprocess.Popen(
        ["bash", "-c", run],
        env={**os.environ, "SLURM_JOB_ID": job},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (HERE / f"{job}.pid").write_text(str(begun.pid))
    print("Submitted batch job", job)


def squeue(*options):
    if "--format=%i %T" in options and "SQUEUE_PARTITION" not in os.environ:
        for job in jobs():
            print(job, state(job))


def scancel(*cancelled):
    for job in cancelled:
        if state(job) == "RUNNING":
            (HERE / f"{job}.cancelled").touch()
            os.killpg(int((HERE / f"{job}.pid").read_text()), signal.SIGTERM)


if __name__ == "__main__":
    {"sbatch": sbatch, "squeue": squeue, "scancel": scancel}[Path(sys.argv[0]).name](*sys.argv[1:])
