"""The real agent of an endpoint: `globus-compute-endpoint start`, and everything that it begins."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.site import needs, processes
from tests.site.hosted import marks, namespaces

ROOT = Path(__file__).parents[3]
OURS = ("GLOBUS", "SLURM", "SBATCH", "JITNAS")  # what would tune the agent, and is set by a test if it is meant
TITLE = re.compile(r"(?:_start-user-endpoint |Globus Compute Endpoint \([0-9a-f-]{36}, )(uep\.[\w.-]+)")
SBATCH = """\
#!/bin/sh
# The agent is nobody in its user namespace, and who submits a job is asked for his name there. In one more he is root again.
exec unshare --map-root-user -- {sbatch} "$@"
"""


class Agent:
    """An agent, up inside `with` or between `up()` and `down()`.

    Parameters
    ----------
    service
        A `Hosted` that is up.
    folder
        Where agents are configured: `GLOBUS_COMPUTE_USER_DIR`.
    name
        Of the agent: its configuration is in `folder/name`.
    client_id
        Who owns the endpoint.
    as_root
        Whether it serves many users, whom it maps to accounts.
    environment
        More variables, for the agent; unless it is root also for all that it begins. An agent that is root clears it: what
        its user endpoints need (PATH, HOME) stands in its `user_environment.yaml` then.
    """

    def __init__(self, service, folder, name, *, client_id, as_root=False, environment=None):
        self.service, self.folder, self.name = service, Path(folder).resolve(), name
        self.client_id, self.more = client_id, dict(environment or {})
        self.seat = "administrator" if as_root else "user"
        self._seats = []  # the last is of the agent that runs; those before wait for what theirs have left

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    @property
    def configuration(self):
        return self.folder / self.name

    @property
    def id(self):
        """Of the endpoint; None as long as it has never been registered."""
        path = self.configuration / "endpoint.json"
        return json.loads(path.read_text())["endpoint_id"] if path.exists() else None

    @property
    def environment(self):
        """What the agent runs with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        own = self.service.environment(self.client_id, folder=self.folder)
        more = {"HOME": str(self.folder / "home"), "PYTHONPATH": str(ROOT), **self.more}
        path = os.pathsep.join((str(self._programs()), str(Path(sys.executable).parent), more.get("PATH", needs.PATH)))
        return {
            **kept,
            **own,
            **more,
            "PATH": path,
            marks.HOSTED: str(self.service.folder),
            marks.AGENT: str(self.configuration),
        }

    def up(self, seconds=60):
        """Start the agent, and wait until it has given the service a sign of life."""
        if reason := namespaces.obstacle(self.seat):
            raise RuntimeError(reason)
        (self.folder / "home").mkdir(exist_ok=True)
        (self.configuration / "daemon.pid").unlink(missing_ok=True)  # one that was killed left it, and would be waited for
        begun = time.time()
        with (self.configuration / "printed.log").open("ab") as printed:
            command = [sys.executable, "-m", "tests.site.hosted.namespaces", self.seat]
            seat = subprocess.Popen(
                [*command, "globus-compute-endpoint", "start", self.name],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seats.append(seat)
        try:
            self._wait_until(lambda: self.id and self.service.beats().get(self.id, 0) > begun, seconds)
        except BaseException:
            self.down()
            raise
        return self

    def online(self, seconds=60):
        """Wait until the service says that the endpoint is online."""
        self._wait_until(lambda: self.service.is_online(self.id), seconds)

    def stop(self, seconds=60):
        """Ask the agent to end, and wait until it has. Its user endpoints end with it."""
        self._end(signal.SIGTERM, seconds)

    def kill(self, seconds=60):
        """Kill the agent alone. Its user endpoints find out, and end after it."""
        self._end(signal.SIGKILL, seconds)

    def down(self):
        """End the agent and all that it has begun, at once."""
        end(lambda: marks.marked(marks.AGENT, str(self.configuration)))
        while self._seats:
            self._seats.pop().wait()

    def processes(self):
        """Pids of the agent and of all that it has begun: user endpoints, interchanges, jobs, workers."""
        return [pid for pid in marks.marked(marks.AGENT, str(self.configuration)) if not is_seat(pid)]

    def pid(self):
        """Of the agent itself, or None."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.configuration / "daemon.pid").read_text())
            if pid in self.processes():
                return pid
        return None

    def user_endpoints(self):
        """Pid of each user endpoint, by name."""
        titles = {pid: TITLE.search(processes.command_line(pid)) for pid in self.processes()}
        found = {pid: title[1] for pid, title in titles.items() if title}
        return {name: pid for pid, name in found.items() if marks.parent_of(pid) not in found}

    def log(self, lines=30):
        """The last lines of what the agent and its user endpoints have logged."""
        paths = [
            self.configuration / "printed.log",
            self.configuration / "endpoint.log",
            *self.folder.glob("**/uep.*/endpoint.log"),
        ]
        texts = {path: path.read_text(errors="replace").splitlines()[-lines:] for path in paths if path.exists()}
        return "\n".join(line for path, text in texts.items() for line in (f"-- {path}", *text))

    def _end(self, number, seconds):
        pid = self.pid()
        if pid is None:
            raise RuntimeError(f"the agent {self.name} is not up")
        os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while not marks.is_zombie(pid):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the agent {self.name} has not ended after {seconds} s: {self.log()}")
            time.sleep(0.05)

    def _wait_until(self, predicate, seconds):
        deadline = time.monotonic() + seconds
        while not predicate():
            if not self._seats or self._seats[-1].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the agent {self.name} does not come online: {self.log()}")
            time.sleep(0.1)

    def _programs(self):
        """A folder that comes first on the agent's PATH: with Slurm's sbatch, as somebody in a namespace can use it."""
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        sbatch = shutil.which("sbatch", path=needs.PATH)
        if sbatch and namespaces.needed(self.seat):
            (folder / "sbatch").write_text(SBATCH.format(sbatch=sbatch))
            (folder / "sbatch").chmod(0o755)
        return folder


def is_seat(pid):
    """Whether a process is the one above an agent, which outlives all that the agent has begun."""
    return "tests.site.hosted.namespaces" in processes.command_line(pid)


def end(find):
    """Kill what `find` tells, and the seats last: what has lost its parent, and its mark, is found under them."""
    processes.end(lambda: [pid for pid in find() if not is_seat(pid)])
    processes.end(find)
