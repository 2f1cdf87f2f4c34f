"""An endpoint on this machine, as `jitnas site init laptop` configures it, and whoever uses it; the service is stood in for."""

import contextlib
import io
import os
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path

from jitnas_fn.cli.app import run
from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.record import Record
from jitnas_fn.stores.segments import SegmentStore
from tests.site.hosted import hosted as hosting
from tests.site.hosted import namespaces
from tests.site.hosted.agent import Agent
from tests.site.hosted.client import client_of, executor_of, variables
from tests.site.hosted.hosted import Hosted

ME = "0a0a0a0a-0000-4000-8000-0000000000be"
NAME = "laptop"
TAKING_SECONDS = 1.0  # which a process needs at most to take messages from the broker


def obstacle() -> str | None:
    """Why there can be no endpoint here, in words, or None."""
    return hosting.obstacle() or namespaces.obstacle("user")


class LaptopEndpoint:
    """An endpoint that is up, and the person whose it is."""

    def __init__(self, hosted: Hosted, agent: Agent, store: Path) -> None:
        self.hosted, self.agent, self.id = hosted, agent, agent.id
        self._store, self._group = store, uuid.uuid4()
        self.sdk = client_of(hosted, ME)
        (self.function,) = self.sdk.get_allowed_functions(self.id)["functions"]

    @contextlib.contextmanager
    def bare(self, profile: str) -> Iterator[Executor]:
        """An executor of the SDK. When the block ends, no executor of this process hears of an answer any more.

        All of this process share a task group, as they do unless told otherwise: so all hear of answers in the same moments.
        """
        with executor_of(self.sdk, self.id, profile=profile) as executor:
            executor.task_group_id = self._group
            yield executor

    def keep(self, records: Iterable[Record]) -> None:
        """Put records into the site's store."""
        with contextlib.closing(SegmentStore(self._store)) as store:
            store.extend(map(record_entry, records))

    def submits(self) -> int:
        """How many requests have brought messages, since the counter began."""
        return self.hosted.requests()["requests"].get("POST /v3/endpoints/{endpoint}/submit", 0)

    def user_endpoint(self, profile: str) -> int:
        """Pid of the process of a profile."""
        return self.agent.user_endpoints()[self._of(profile)["name"]]

    def wait_until_taken(self, profile: str, count: int) -> None:
        """Until the process of a profile has so many messages, and owes their answers."""
        while self._of(profile)["owes"] < count:
            time.sleep(0.1)
        time.sleep(TAKING_SECONDS)

    def seconds_to_life(self, profile: str, *, since: float, longest: float) -> float:
        """From a time [Unix] until a process of the profile says that it lives, or `longest`."""
        while self.hosted.beats().get(self._of(profile)["id"], 0.0) <= since and time.time() - since < longest:
            time.sleep(0.1)
        return time.time() - since

    def _of(self, profile: str) -> dict:
        found = self.hosted.user_endpoints().items()
        return next({**one, "id": each} for each, one in found if one["config"]["profile"] == profile)


@contextlib.contextmanager
def laptop_endpoint() -> Iterator[LaptopEndpoint]:
    """An endpoint of this person's own, with an empty store, as long as this lasts."""
    with Hosted(tempfile.mkdtemp(prefix="laptop-", dir="/tmp")) as hosted:
        users, site, home = (hosted.folder / name for name in ("agents", "site", "home"))
        with variables({"JITNAS_HOME": str(home), **hosted.environment(ME, folder=users)}):
            configure(site)
        agent = Agent(hosted, users, NAME, client_id=ME)
        with agent, variables({"JITNAS_HOME": str(home), **hosted.environment(ME)}):
            yield LaptopEndpoint(hosted, agent, site / "store")


def configure(site: Path) -> None:
    """What the owner does once: init and register."""
    stated = (f"folder={site / 'worker'}", f"store={site / 'store'}")
    words = [word for one in stated for word in ("--set", one)]
    with contextlib.redirect_stdout(io.StringIO()) as told:
        for command in (["init", "laptop", "--name", NAME, *words], ["register", NAME]):
            if run(["site", *command, "--json"]) != os.EX_OK:
                raise RuntimeError(f"jitnas site {command[0]}: {told.getvalue()}")
