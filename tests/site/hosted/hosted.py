"""The hosted half of Globus Compute on this machine: RabbitMQ and a stand-in for the service, where clients look for it."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.site import needs
from tests.site.hosted import guard, marks
from tests.site.hosted.addresses import ADDRESS, PORT
from tests.site.hosted.rabbitmq import RabbitMQ

ROOT = Path(__file__).parents[3]
PACKAGES = ("globus_compute_sdk", "globus_compute_endpoint")


def obstacle():
    """Why there can be nothing of this here, in words, or None."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        return f"{' and '.join(missing)} cannot be imported: pip install globus-compute-endpoint"
    return needs.obstacle_to_rabbitmq()


class Hosted:
    """RabbitMQ and the service, up inside `with` or between `up()` and `down()`.

    Parameters
    ----------
    folder
        A short path, empty or not there. `down` removes it.
    identities
        What is known of identities: `{client id: {"username": ..., "email": ...}}`.
    port
        Of the service. Clients look for it at 5000 and nowhere else, so that there can be one at a time on a machine.
    """

    def __init__(self, folder, *, identities=None, port=PORT):
        self.port = port
        self.folder, self.identities = Path(folder).resolve(), dict(identities or {})
        self.mark = {marks.HOSTED: str(self.folder)}
        self.broker = RabbitMQ(self.folder / "rabbitmq", environment=self.mark)
        self._guard = self._service = None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def up(self):
        """Start everything, and wait until it serves. What is half up is taken down again."""
        if reason := obstacle():
            raise RuntimeError(reason)
        if self.folder.exists() and any(self.folder.iterdir()):
            raise FileExistsError(f"{self.folder} is not empty, and would be removed at the end")
        command = [sys.executable, "-m", "tests.site.hosted.guard", str(self.folder), str(os.getpid())]
        try:
            self._guard = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
            self._expect_a_free_port()
            (self.folder / "service").mkdir(parents=True)
            self.broker.up()
            self.know(self.identities)
            self.start_service()
        except BaseException:
            self.down()
            raise
        return self

    def down(self):
        """End everything, also what agents have begun, and remove the folder. Nothing happens when nothing is up."""
        if self._guard:
            guard.take_down(self.folder)
            self.broker.kill()
            for process in (self._service, self._guard):
                if process:
                    process.kill()
                    process.wait()
            self._guard = self._service = None

    def environment(self, client_id, *, folder=None):
        """What a client needs in its environment: who it is, and where the service and its own files are."""
        folder = Path(folder) if folder else self.folder / "clients" / client_id
        folder.mkdir(parents=True, exist_ok=True)
        return {
            "GLOBUS_SDK_ENVIRONMENT": "local",
            "GLOBUS_SDK_SERVICE_URL_AUTH": f"http://localhost:{self.port}/",
            "GLOBUS_COMPUTE_CLIENT_ID": client_id,
            "GLOBUS_COMPUTE_CLIENT_SECRET": "of no account",
            "GLOBUS_COMPUTE_USER_DIR": str(folder),
        }

    def know(self, identities):
        """Let the service know these identities, and no others, by name."""
        (self.folder / "service" / "identities.json").write_text(json.dumps(identities))

    def start_service(self, seconds=30):
        """Start the service, and wait until it serves."""
        self._expect_a_free_port()
        command = [sys.executable, "-m", "tests.site.hosted.service"]
        command += [str(self.folder / "service"), self.broker.url, str(self.port)]
        with (self.folder / "service.log").open("ab") as printed:
            self._service = subprocess.Popen(
                command,
                env={**os.environ, **self.mark},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + seconds
        while not self.is_served():
            if self._service.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service does not come up: {self.log()}")
            time.sleep(0.05)

    def stop_service(self):
        self._end_service(signal.SIGTERM)

    def kill_service(self):
        """End the service as a power cut does. `start_service` brings it back, with all that it knew."""
        self._end_service(signal.SIGKILL)

    def restart_service(self, pause_seconds=0.0):
        self.stop_service()
        time.sleep(pause_seconds)
        self.start_service()

    def faults(self, **switches):
        """Put these faults in the place of those that were on, and tell what is on now; none without switches.

        They are described at `service.faults.Faults`: `answers`, `drop_results`, `hold_results`, `online`.
        """
        return self._ask("PUT", "/faults", switches)

    def faults_now(self):
        """What is left of the faults, and the ids of the tasks whose results are `held`."""
        return self._ask("GET", "/faults")

    def requests(self):
        """The requests so far: `total`, `requests` of each route, answers of each of the `statuses`, routes by `seconds`."""
        return self._ask("GET", "/requests")

    def forget_requests(self):
        """Begin to count anew."""
        self._ask("DELETE", "/requests")

    def beats(self):
        """When each endpoint and user endpoint gave its last sign of life, by id."""
        return self._ask("GET", "/beats")

    def user_endpoints(self):
        """By id: name, endpoint, owner and config of each user endpoint, whether it is online, and how many tasks it owes."""
        return self._ask("GET", "/user_endpoints")

    def is_online(self, endpoint_id):
        return self._ask("GET", "/online")[endpoint_id]

    def is_served(self):
        """Whether anybody listens where the service is."""
        with socket.socket() as probe:
            probe.settimeout(5)
            return probe.connect_ex((ADDRESS, self.port)) == 0

    def log(self, lines=30):
        path = self.folder / "service.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _expect_a_free_port(self):
        if self.is_served():
            raise RuntimeError(f"port {self.port} is taken: end what listens there")

    def _end_service(self, number):
        self._service.send_signal(number)
        self._service.wait()

    def _ask(self, method, path, document=None):
        body = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"http://{ADDRESS}:{self.port}{path}", body, headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)
