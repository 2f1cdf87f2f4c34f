"""A real endpoint on a real cluster, the hosted service stood in for, and a person with a laptop.

With `JITNAS_LIVE_ENDPOINT` set to the id of an endpoint the same tests run there, as whoever is logged in to Globus: what only
a test's own site can show is left out, and what would break something is skipped.
"""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

import pytest

from jitnas_fn import Client
from jitnas_fn.backends.globus_compute import globus_compute
from jitnas_fn.cli.app import run
from jitnas_fn.stores.memory import MemoryStore
from tests.site.hosted import namespaces
from tests.site.hosted.agent import Agent
from tests.site.jobs import Jobs
from tests.site.needs import LACK

LIVE = os.environ.get("JITNAS_LIVE_ENDPOINT")
OWNER = "0a0a0a0a-0000-4000-8000-00000000000a"  # of the endpoint
FIELDS = {
    "partitions": "gpu",
    "account": "",
    "cores": 1,
    "longest_walltime": "00:10:00",
    "most_blocks": 2,
    "idle_seconds": 2,
    "heartbeat_period": 5,
    "name": "one machine",
    "device": "auto",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:  # the SDK and pika leave sockets to the collector
            for kind in ("PytestUnraisableExceptionWarning", "PytestUnhandledThreadExceptionWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::pytest.{kind}"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


class Endpoint:
    """An endpoint that `jitnas site init slurm` has configured, its agent, and the cluster under it.

    Its site's folder stays; the store is another for each test, since the site file is read again whenever it changes.
    """

    def __init__(self, hosted, cluster, folder):
        self.hosted, self.cluster, self.folder = hosted, cluster, folder
        self.users, self.site = folder / "globus", folder / "site"
        self.agent = Agent(hosted, self.users, "one", client_id=OWNER, environment=cluster.environment)

    @property
    def id(self):
        return self.agent.id

    def configure(self, environment):
        """What an administrator does: init, with what the cluster is; and register."""
        stated = {**FIELDS, "folder": self.site / "worker", "store": self.site / "store"}
        words = [word for name, value in stated.items() for word in ("--set", f"{name}={value}")]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            assert run(["site", "init", "slurm", "--name", "one", *words, "--json"]) == 0
            assert run(["site", "register", "one", "--json"]) == 0
        path = self.agent.configuration / "user_environment.yaml"
        programs = os.pathsep.join((str(self.agent._programs()), str(Path(self.agent.environment["PATH"]))))
        path.write_text(re.sub(r"(?m)^PATH: .*$", f'PATH: "{programs}"', path.read_text()))

    def use_store(self, folder):
        path = self.agent.configuration / "site.toml"
        written = path.with_suffix(".new")
        written.write_text(re.sub(r"(?m)^store = .*$", f'store = "{folder}"', path.read_text()))
        written.replace(path)


@pytest.fixture(scope="session")
def not_live():
    """Skips where a live endpoint is tested: what has an endpoint of its own has nothing to do with that."""
    if LIVE:
        pytest.skip(f"{LACK}this is about an endpoint of the test's own, not about a live one")


@pytest.fixture(scope="session")
def seat():
    """Skips where no agent can be a user's own."""
    if reason := namespaces.obstacle("user"):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def own_endpoint(seat, hosted, cluster):
    folder = Path(tempfile.mkdtemp(prefix="endpoint-", dir="/tmp"))
    made = Endpoint(hosted, cluster, folder)
    try:
        made.configure({**hosted.environment(OWNER, folder=made.users), **cluster.environment})
        with made.agent:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Person:
    """Somebody far away from an endpoint."""

    is_live = False
    executors: tuple = ()

    def executor(self, **options):
        made = globus_compute(self.endpoint_id, options=options or None)
        self.executors = (*self.executors, made)
        return made

    def client(self, **options):
        """A client with an empty cache."""
        return Client(store=MemoryStore(), executor=self.executor(**options))

    def seed(self, number):
        """A seed that nobody has used at this site."""
        return number

    def close(self):
        for executor in self.executors:
            executor.shutdown(wait=False)


class Stranger(Person):
    """A person at an endpoint that is not the test's. Whatever only the test's own would show skips the test."""

    is_live = True

    def __init__(self, endpoint_id):
        self.endpoint_id = endpoint_id
        self._first_seed = secrets.randbelow(2**40) + 2**41

    def seed(self, number):
        return self._first_seed + number

    def __getattr__(self, name):
        pytest.skip(f"{LACK}a live endpoint has no {name} that a test may see, or break")


class Laptop(Person, Jobs):
    """A person far away; and what the test sees of the cluster."""

    def __init__(self, endpoint, folder):
        super().__init__(endpoint.cluster, worker=endpoint.site / "worker", store=folder / "store")
        self.endpoint_id, self.hosted, self.agent = endpoint.id, endpoint.hosted, endpoint.agent

    def user_endpoint(self, profile):
        """Name and pid of the process of a profile, or None."""
        of_profile = {one["name"] for one in self.hosted.user_endpoints().values() if one["config"].get("profile") == profile}
        return next(((name, pid) for name, pid in self.agent.user_endpoints().items() if name in of_profile), None)


@pytest.fixture
def laptop(request, tmp_path, monkeypatch):
    """A laptop, at a site whose store is empty and where nothing runs; or at a live one, as it is."""
    if LIVE:
        made = Stranger(LIVE)
        yield made
        made.close()
        return
    endpoint = request.getfixturevalue("own_endpoint")
    for name, value in endpoint.hosted.environment(OWNER, folder=tmp_path / "globus").items():
        monkeypatch.setenv(name, value)
    endpoint.use_store(tmp_path / "store")
    endpoint.hosted.faults()
    endpoint.hosted.forget_requests()
    made = Laptop(endpoint, tmp_path)
    yield made
    made.close()
    endpoint.hosted.faults()
    with contextlib.suppress(TimeoutError):  # the endpoint hears late of jobs that are cancelled
        made.cluster.wait_until(lambda: not made.cluster.squeue(), 30)
    made.cluster.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What agent and service logged stands in the report of a test that fails."""
    report = yield
    endpoint = getattr(item, "funcargs", {}).get("own_endpoint")
    if report.failed and isinstance(endpoint, Endpoint):
        report.sections += [("log of the endpoint", endpoint.agent.log()), ("log of the service", endpoint.hosted.log())]
    return report
