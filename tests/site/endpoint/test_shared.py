"""An endpoint that others share: many identities, one service account, one function, no code of anybody's."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from globus_compute_sdk import Client as Sdk
from globus_compute_sdk import Executor
from globus_compute_sdk.sdk import executor as sdk

from jitnas_fn import Client
from jitnas_fn.backends.globus_compute import globus_compute
from jitnas_fn.cli.app import run
from jitnas_fn.core.errors import NotAllowed
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.processes import _notes
from tests.site.endpoint.conftest import FIELDS
from tests.site.hosted import namespaces
from tests.site.hosted.agent import Agent
from tests.site.training.models import QUICK, small

ADMINISTRATOR = "0a0a0a0a-0000-4000-8000-0000000000ad"
ADA, BOB, EVE = (f"0a0a0a0a-0000-4000-8000-0000000000{number}" for number in ("a1", "b0", "ee"))
PEOPLE = {
    ADA: {"username": "ada@example.org", "email": "ada@example.org"},
    BOB: {"username": "bob@example.org", "email": "bob@example.org"},
    EVE: {"username": "eve@elsewhere.net", "email": "eve@elsewhere.net"},
}
ACCOUNT = "nobody"


class Shared:
    """The endpoint as an administrator has set it up, and the people who may try it."""

    def __init__(self, hosted, cluster, folder):
        self.hosted, self.cluster, self.folder = hosted, cluster, folder
        self.users, self.site = folder / "globus", folder / "site"
        self.agent = Agent(hosted, self.users, "shared", client_id=ADMINISTRATOR, as_root=True, environment=cluster.environment)

    def configure(self):
        own = {"email": "admin@example.org", "organisation": "example.org", "service_account": ACCOUNT}
        stated = {
            **FIELDS,
            **own,
            "site_file": self.folder / "site.toml",
            "folder": self.site / "worker",
            "store": self.site / "store",
        }
        words = [word for name, value in stated.items() for word in ("--set", f"{name}={value}")]
        with pytest.MonkeyPatch.context() as patch:
            surroundings = {**self.hosted.environment(ADMINISTRATOR, folder=self.users), **self.cluster.environment}
            for name, value in surroundings.items():
                patch.setenv(name, value)
            assert run(["site", "init", "shared", "--name", "shared", *words, "--json"]) == 0
            assert run(["site", "register", "shared", "--json"]) == 0
        environment = self.agent.configuration / "user_environment.yaml"
        text = re.sub(r"(?m)^PATH: .*$", f'PATH: "{self.agent.environment["PATH"]}"', environment.read_text())
        kept = ("SLURM_CONF", "PYTHONPATH", "HOSTED", "AGENT")  # root's agent hands nothing down; the marks find it at the end
        more = {name: value for name, value in self.agent.environment.items() if name.endswith(kept)}
        service = {name: value for name, value in self.agent.environment.items() if name.startswith("GLOBUS_SDK")}
        lines = [f'{name}: "{value}"' for name, value in {**more, **service, "HOME": str(self.site)}.items()]
        environment.write_text("\n".join([text, *lines]) + "\n")

    def become(self, person, monkeypatch):
        monkeypatch.setattr(sdk.Executor, "_default_task_group_id", None)  # the SDK has one for a process, whoever it is
        for name, value in self.hosted.environment(person).items():
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def shared(not_live, hosted, cluster):
    if reason := namespaces.obstacle("administrator"):
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="shared-", dir="/tmp"))
    folder.chmod(0o755)
    made = Shared(hosted, cluster, folder)
    hosted.know(PEOPLE)
    try:
        made.site.mkdir()
        made.configure()
        with made.agent:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def person(shared, monkeypatch):
    """Makes somebody the person at the laptop, and gives an executor of theirs."""
    executors = []

    def become(identity, **options):
        shared.become(identity, monkeypatch)
        executors.append(globus_compute(shared.agent.id, options=options or None))
        return executors[-1]

    yield become
    for executor in executors:
        executor.shutdown(wait=False)


def test_two_people_are_one_account_and_share_what_is_trained(shared, person):
    record = Client(store=MemoryStore(), executor=person(ADA)).evaluate(small, **QUICK)
    evaluation = Client(store=MemoryStore(), executor=person(BOB)).submit(small, **QUICK)
    assert (evaluation.result(120), evaluation.source) == (record, "shared")
    notes = list(_notes(shared.site / "worker"))
    assert {note.identity for note in notes if note.profile == "control"} >= {ADA, BOB}
    owners = {os.stat(path).st_uid for path in (shared.site / "worker").rglob("*")}  # noqa: PTH116
    assert owners == {os.geteuid()}  # the service account, as it is called outside of the agent's namespace


def test_somebody_who_is_not_mapped_is_refused(person):
    evaluation = Client(store=MemoryStore(), executor=person(EVE)).submit(small, **QUICK)
    with pytest.raises(NotAllowed, match="does not serve this identity"):
        evaluation.result(120)


def test_code_is_refused_by_the_site(person):
    evaluation = Client(store=MemoryStore(), executor=person(ADA)).submit(small, **QUICK, identity="none")
    with pytest.raises(NotAllowed, match="does not accept payload cloudpickle; it accepts graph"):
        evaluation.result(120)


def test_a_function_of_somebodys_own_is_refused(shared, person):
    person(ADA)

    def mine(text):
        return text

    with Executor(shared.agent.id, client=Sdk(), user_endpoint_config={"profile": "train"}) as own:
        refused = own.submit(mine, "x").exception(60)
    assert refused.code == "FUNCTION_NOT_PERMITTED"


def test_an_option_that_the_schema_does_not_have_is_refused(person):
    evaluation = Client(store=MemoryStore(), executor=person(BOB, worker_init="touch x")).submit(small, **QUICK, seed=9)
    with pytest.raises(NotAllowed, match="does not take these options"):
        evaluation.result(120)
