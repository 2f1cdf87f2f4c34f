"""A scheduler of one machine for the tests, and what is left of its blocks."""

import os
import sys
import time
from pathlib import Path

STAND_IN = Path(__file__).with_name("stand_in.py")


class Scheduler:
    """Programs of Slurm's names, first on the path."""

    def __init__(self, folder, monkeypatch, limit):
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        self.allow(limit)
        for name in ("sbatch", "squeue", "scancel"):
            program = folder / "bin" / name
            program.write_text(f"#!{sys.executable} -IS\n{STAND_IN.read_text()}")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def allow(self, jobs):
        (self.folder / "limit").write_text(str(jobs))

    def asked(self):
        """How often a job was asked for."""
        return len((self.folder / "asked").read_text().splitlines())

    def jobs(self):
        return sorted(one.stem for one in self.folder.glob("*.pid"))

    def cancelled(self):
        return sorted(one.stem for one in self.folder.glob("*.cancelled"))


def of_blocks(site):
    """Processes whose environment names this site file."""
    found, mark = [], f"JITNAS_SITE={site}".encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def gone(site, seconds=30):
    end = time.monotonic() + seconds
    while of_blocks(site):
        assert time.monotonic() < end, of_blocks(site)
        time.sleep(0.1)
    return True
