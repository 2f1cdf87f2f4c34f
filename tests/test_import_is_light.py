"""A look-up costs no torch, and the client side needs nothing that only POSIX has. Each check is a fresh interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import a_record

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "numpy", "sklearn", "globus_compute_sdk", "matplotlib", "cloudpickle")
LOADED = f"import sys; print(sorted(set(sys.modules) & set({HEAVY!r})))"

# What Windows lacks. Anything that needs it at import, or when the client is used, fails here.
BLOCKED = """
import os, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "setsid", "killpg", "getuid", "geteuid", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
"""


def run(code, home, *arguments):
    """What `code` prints in a fresh interpreter with its own home."""
    environment = {**os.environ, "JITNAS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def kept(own_home):
    """A record in the user's cache."""
    record = a_record()
    TinyStore(own_home / "cache.jsonl").put(record)
    return record


def test_the_package_alone_loads_nothing_heavy(own_home):
    assert run(f"import jitnas_fn; {LOADED}", own_home) == "[]"


@pytest.mark.parametrize("name", ["memory", "tinydb", "snapshot", "layered", "segments", "reachable"])
def test_a_store_loads_nothing_heavy(own_home, name):
    assert run(f"import jitnas_fn.stores.{name}; {LOADED}", own_home) == "[]"


def test_a_look_up_by_key_loads_nothing_heavy(own_home, kept, monkeypatch):
    monkeypatch.delenv("JITNAS_SNAPSHOT")
    code = f"""
from jitnas_fn import settings
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.snapshot import SnapshotStore
from jitnas_fn.stores.tinydb import TinyStore
store = LayeredStore([TinyStore(settings.home() / "cache.jsonl"), SnapshotStore(settings.snapshot())])
print(store.get({kept.key!r}).record_id)
{LOADED}
"""
    assert run(code, own_home).split("\n") == [kept.record_id, "[]"]


def test_the_command_line_looks_a_key_up_without_anything_heavy(own_home, kept, monkeypatch):
    monkeypatch.delenv("JITNAS_SNAPSHOT")
    code = f"""
from jitnas_fn.cli.app import run
assert run(["lookup", {kept.key!r}, "--json"]) == 0
{LOADED}
"""
    *answer, loaded = run(code, own_home).split("\n")
    assert kept.record_id in "".join(answer)
    assert loaded == "[]"


def test_stores_work_without_what_only_posix_has(own_home, kept):
    code = f"""{BLOCKED}
import warnings
warnings.simplefilter("ignore")  # filelock says that it uses a lock file
from pathlib import Path
from jitnas_fn.stores.tinydb import TinyStore
record = TinyStore("cache.jsonl").get({kept.key!r})
store = TinyStore("other.jsonl")
store.put(record)
print(store.get(record.key) == record)
"""
    assert run(code, own_home) == "True"


def test_the_client_works_without_what_only_posix_has(own_home, kept):
    code = f"""{BLOCKED}
import warnings
warnings.simplefilter("ignore")
from concurrent.futures import ThreadPoolExecutor
from torch import nn
from jitnas_fn import Client, Recipe, fingerprint

model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
with ThreadPoolExecutor(1) as pool, Client(executor=pool) as client:
    assert client.lookup(model, dataset="digits", recipe="instant") is None
    assert client.explain(model, dataset="digits", recipe="instant") is not None
print(len(fingerprint(model, input_shape=(1, 8, 8))))
"""
    assert run(code, own_home) == "64"
