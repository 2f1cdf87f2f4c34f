"""Parsl on this machine, without Slurm: the same path, with blocks that are processes."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.core import errors
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.flight import leases_of
from tests.backends import odd
from tests.backends.scheduler import gone
from tests.client.models import small

pytest.importorskip("parsl")
pytestmark = [  # Parsl leaves sockets to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(os.name != "posix", reason="Parsl runs on POSIX"),
]
KILLED = Path(__file__).with_name("killed_client.py")
ASK = {"dataset": "digits", "recipe": "instant"}
SITE = """
name = "this machine"
folder = "worker"
store = "store"
checkpoint_seconds = 0
[blocks]
scheduler = "local"
gpus = 0
idle_seconds = 2
heartbeat_seconds = 3
look_seconds = 1
address = "127.0.0.1"
"""


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


def test_a_miss_is_trained_in_a_block_and_then_a_hit(site, tmp_path):
    executor = parsl(site)
    client = Client(store=MemoryStore(), executor=executor)
    record = client.evaluate(small, **ASK)
    assert record.provenance["site"] == "this machine"
    assert SegmentStore(tmp_path / "store").get(record.key) == record
    assert client.submit(small, **ASK).source == "cache"
    assert Client(store=MemoryStore(), executor=executor).submit(small, **ASK).result(30) == record
    executor.shutdown()
    assert gone(site)
    with pytest.raises(RuntimeError, match="was shut down"):
        executor.submit(print)


def test_an_idle_block_is_given_back_and_its_checkpoints_are_gone(site, tmp_path):
    executor = parsl(site)
    Client(store=MemoryStore(), executor=executor).evaluate(small, dataset="digits", recipe="quick")
    assert gone(site)
    assert list((tmp_path / "worker" / "checkpoints").glob("*.checkpoint")) == []
    executor.shutdown()


def test_what_is_queued_can_be_cancelled(site, tmp_path):
    executor = parsl(site)
    client = Client(store=MemoryStore(), executor=executor)
    evaluation = client.submit(small, **ASK, seed=1)
    assert evaluation.status().state == "queued"
    assert evaluation.cancel()
    client.evaluate(small, **ASK, seed=2)
    assert SegmentStore(tmp_path / "store").get(evaluation.key) is None
    executor.shutdown()


SCRIPT = """
import sys
from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.client.models import small
print(Client(store=MemoryStore(), executor=parsl(sys.argv[1])).evaluate(small, dataset="digits", recipe="instant").verdict)
"""


def test_a_script_that_just_ends_gives_its_blocks_back(site):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, site], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "trained\n"
    assert gone(site, seconds=5)  # well before the heartbeats would be missed


def test_a_virtual_environment_may_lie_in_a_folder_with_a_space(site, tmp_path):
    own = tmp_path / "my env's (new)"
    venv.create(own, symlinks=True)
    (packages,) = own.glob("lib/python*/site-packages")
    folders = [str(Path(__file__).parents[2]), *(one for one in sys.path if one.endswith("-packages"))]
    (packages / "all.pth").write_text("".join(f"import site; site.addsitedir({one!r})\n" for one in folders))
    python = own / "bin" / "python"
    done = subprocess.run([python, "-c", SCRIPT, site], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "trained\n", done.stderr
    assert gone(site)


def test_whatever_fails_outside_our_code_is_one_of_our_errors(site):
    executor = parsl(site)
    lost = executor.submit(print, odd.Bomb()).exception(60)
    assert type(lost) is errors.SiteUnavailable
    assert lost.retryable
    assert type(lost.__cause__).__name__ == "DeserializationError"
    failed = executor.submit(odd.fail).exception(60)
    assert type(failed) is errors.SiteUnavailable
    assert type(failed.__cause__) is ZeroDivisionError
    unsent = executor.submit(print, (one for one in ())).exception(60)
    assert type(unsent) is errors.EnvelopeError
    executor.shutdown()


def test_when_the_client_is_killed_its_blocks_end_and_the_lease_is_given_back(site, tmp_path):
    client = subprocess.Popen([sys.executable, KILLED, site], stdout=subprocess.PIPE, text=True)
    assert int(client.stdout.readline()) > 0
    client.kill()
    client.wait()
    client.stdout.close()
    assert gone(site, seconds=60)
    kept = list((tmp_path / "worker" / "checkpoints").glob("*.checkpoint"))
    assert kept
    key = kept[0].name.partition(".")[0]
    assert leases_of(SegmentStore(tmp_path / "store"), "me").holder(key) is None


def test_what_is_pending_ends_when_the_executor_is_shut_down(site):
    executor = parsl(site)
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **ASK)
    executor.shutdown(wait=False)
    assert isinstance(evaluation.exception(20), errors.JitnasError)


def test_code_is_refused_unless_the_site_file_says_otherwise(site):
    executor = parsl(site)
    with pytest.raises(errors.NotAllowed, match="accepts graph"):
        Client(store=MemoryStore(), executor=executor).evaluate(small, **ASK, payload="cloudpickle")
    executor.shutdown()
