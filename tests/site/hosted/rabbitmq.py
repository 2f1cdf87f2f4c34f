"""A RabbitMQ of one's own: in one folder, on loopback only, with an epmd of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.site import needs, processes
from tests.site.configuration import free_ports
from tests.site.hosted import marks
from tests.site.hosted.addresses import ADDRESS

PROGRAMS = "/usr/lib/rabbitmq/bin"  # those in /usr/sbin change to the user rabbitmq first
CONF = """\
listeners.tcp.local = {address}:{port}
loopback_users.guest = true
max_message_size = 134217728
log.console = false
log.file.level = warning
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
"""


class RabbitMQ:
    """A broker, up inside `with` or between `up()` and `down()`. Messages outlive a restart, and a kill.

    Parameters
    ----------
    folder
        Made if it is not there. Everything that the broker writes is in it, and stays there.
    port
        Of the broker; a free one where it is None. It is the same after a restart.
    environment
        More variables for its processes.
    """

    def __init__(self, folder, port=None, *, environment=None):
        self.folder, self.more = Path(folder).resolve(), dict(environment or {})
        free = free_ports(ADDRESS, 3)
        self.port, (self._cluster_port, self._epmd_port) = port or free[0], free[1:]
        self._process = None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    @property
    def url(self):
        return f"amqp://guest:guest@{ADDRESS}:{self.port}/%2F"

    def up(self, seconds=60):
        """Start the broker, and wait until it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(CONF.format(address=ADDRESS, port=self.port))
        (self.folder / "advanced.config").write_text("[{kernel,[{inet_dist_use_interface,{127,0,0,1}}]}].\n")
        (self.folder / "plugins").write_text("[].\n")
        with (self.folder / "printed.log").open("ab") as printed:
            self._process = subprocess.Popen(
                [f"{PROGRAMS}/rabbitmq-server"],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + seconds
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = self.log()
                self.down()
                raise RuntimeError(f"RabbitMQ does not answer at port {self.port}: {told}")
            time.sleep(0.05)
        return self

    def down(self, seconds=10):
        """Stop the broker as its administrator would; then end whatever is left of it, its epmd too."""
        for pid in self.processes():
            if processes.command(pid) == "beam.smp":
                os.kill(pid, signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        self.kill()

    def kill(self):
        """End it as a power cut does."""
        processes.end(self.processes)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def restart(self, pause_seconds=0.0):
        self.down()
        time.sleep(pause_seconds)
        self.up()

    def processes(self):
        """Pids of all that belongs to this broker."""
        return marks.marked(marks.BROKER, str(self.folder))

    def log(self, lines=30):
        texts = [path.read_text(errors="replace") for path in (self.folder / "printed.log", *self.folder.glob("log/*.log"))]
        return "\n".join(line for text in texts for line in text.splitlines()[-lines:])

    def _answers(self):
        try:
            with socket.create_connection((ADDRESS, self.port), timeout=5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(1))
        except OSError:
            return False

    def _environment(self):
        folder = self.folder
        return {
            "PATH": needs.PATH,
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            marks.BROKER: str(folder),
            **self.more,
            "ERL_EPMD_ADDRESS": ADDRESS,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"b{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": ADDRESS,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._cluster_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),  # instead of this machine's
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none",
        }
