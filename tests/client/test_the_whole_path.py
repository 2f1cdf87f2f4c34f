"""From a model to a record and back, with real trainings in real child processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from torch import nn

from jitnas_fn import Architecture, Client, Limits, Recipe
from jitnas_fn.backends.local import local
from jitnas_fn.core import errors
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.client.models import Respelled, Unkeyable, small, small_for_synthetic
from tests.samples import a_record

SYNTHETIC = {"dataset": "synthetic", "recipe": "instant"}
SHORT = Recipe(name="short", epochs=2, batch_size=64, learning_rate=0.05)
LONG = Recipe(name="long", epochs=50_000, batch_size=8, learning_rate=0.01)
ROOT = Path(__file__).parents[2]

MODEL = textwrap.dedent(
    """
    from torch import nn

    def small():
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    """
)


@pytest.fixture
def client():
    client = Client(store=MemoryStore(), executor=None)
    yield client
    client.stop()


@pytest.fixture
def script(tmp_path):
    """Start a script, as a user would: no main guard, not in the project's folder."""
    started = []

    def start(text, *, model=MODEL):
        path = tmp_path / "script.py"
        path.write_text(model + textwrap.dedent(text), "utf-8")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        variables = {**os.environ, "PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen([sys.executable, str(path)], cwd=tmp_path, env=variables, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def finished(process, timeout=60):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out.split()


def trainings_of(pid):
    """The child processes that train for process `pid`."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [int(child) for child, parent, command in rows if int(parent) == pid and "jitnas_fn.worker.child" in command]


def alive(pid):
    listed = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False).stdout
    return bool(listed.strip()) and not listed.strip().startswith("Z")


def wait_for(condition, seconds=80):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def test_a_miss_is_trained_once_and_then_a_hit(client):
    model = small()
    first = client.submit(model, dataset="digits", recipe=SHORT)
    record = first.result(60)
    second = client.submit(Respelled, dataset="digits", recipe=SHORT)
    assert (first.source, second.source) == ("trained", "cache")
    assert second.result() == record
    assert record.verdict == "trained"
    assert len(record.curves["validation"]["accuracy"]) == 2
    assert first.status().epoch == 2
    assert record.parts["fingerprint"] == second.result().parts["fingerprint"]


def test_a_hit_from_another_process_and_a_script_that_ends_promptly(script, own_home):
    text = """
    import time
    from jitnas_fn import Client
    evaluation = Client().submit(small, dataset="digits", recipe="instant")
    print(evaluation.result().record_id, evaluation.source, time.time())
    """
    first = finished(script(text))
    assert time.time() - float(first[2]) < 3
    second = finished(script(text))
    assert (first[1], second[1]) == ("trained", "cache")
    assert first[0] == second[0]
    assert len(TinyStore(own_home / "cache.jsonl")) == 1


def test_a_stored_architecture_is_looked_up_without_torch(script, tmp_path):
    with Client() as client:
        record = client.evaluate(small, dataset="digits", recipe="instant")
    (tmp_path / "architecture.json").write_text(Architecture.from_module(small, input_shape=(1, 8, 8)).to_json(), "utf-8")
    text = """
    import sys
    from pathlib import Path
    from jitnas_fn import Architecture, Client
    architecture = Architecture.from_json(Path("architecture.json").read_text())
    print(Client().evaluate(architecture, dataset="digits", recipe="instant").record_id)
    heavy = {"torch", "numpy", "sklearn", "cloudpickle"} & set(sys.modules)
    assert not heavy, heavy
    """
    assert finished(script(text, model="")) == [record.record_id]


def test_a_process_pool_is_an_executor():
    with ProcessPoolExecutor(1) as pool, Client(store=MemoryStore(), executor=pool) as client:
        first, second = (
            client.submit(small, dataset="digits", recipe="instant"),
            client.submit(Respelled, dataset="digits", recipe="instant"),
        )
        assert first is second
        assert first.result(60).verdict == "trained"


def test_a_thread_pool_of_the_users_own_accepts_documents_only():
    with ThreadPoolExecutor(1) as pool, Client(store=MemoryStore(), executor=pool) as client:
        assert client.evaluate(small_for_synthetic, **SYNTHETIC).verdict == "trained"
        with pytest.raises(errors.NotAllowed, match="cloudpickle"):
            client.evaluate(small_for_synthetic, **SYNTHETIC, payload="cloudpickle", seed=1)


def test_a_pickled_payload_has_the_same_key_and_numbers(client):
    by_document = client.evaluate(small, dataset="digits", recipe="instant")
    other = Client(store=MemoryStore(), executor=local(workers=1))
    for model in (small(), Respelled):
        evaluation = other.submit(model, dataset="digits", recipe="instant", payload="cloudpickle")
        record = evaluation.result(60)
        assert (evaluation.key, record.metrics) == (by_document.key, by_document.metrics)
        other._flights._store = MemoryStore()
    other.stop()


def test_what_cannot_be_keyed_is_trained_as_it_is(client):
    evaluation = client.submit(Unkeyable, **SYNTHETIC, identity="none")
    record = evaluation.result(60)
    assert record.verdict == "trained"
    assert record.key == evaluation.key
    assert record.key.startswith("opaque-")


def test_a_time_limit_ends_in_a_verdict(client):
    record = client.evaluate(small_for_synthetic, dataset="synthetic", recipe=LONG, limits=Limits(seconds=1))
    assert record.verdict == "over_time"
    assert record.limits["seconds"] == 1


def test_a_running_training_tells_its_status_and_is_cancelled_within_a_second(client):
    evaluation = client.submit(small_for_synthetic, dataset="synthetic", recipe=LONG)
    wait_for(lambda: (evaluation.status().epoch or 0) > 0)
    status = evaluation.status()
    assert status.state == "training"
    assert status.epochs == 50_000
    assert status.seconds_left > 0
    assert 0 <= status.metrics["validation"]["accuracy"] <= 1
    reply = evaluation._reply
    assert evaluation.cancel()
    wait_for(reply.done, seconds=5)
    assert client.evaluate(small_for_synthetic, **SYNTHETIC).verdict == "trained"


def test_a_child_that_is_killed_twice_is_a_typed_error_and_the_client_lives(client):
    evaluation = client.submit(small_for_synthetic, dataset="synthetic", recipe=LONG)
    killed, epochs = set(), [0]
    for _ in range(2):
        wait_for(lambda: (evaluation.status().epoch or 0) > epochs[-1] and set(trainings_of(os.getpid())) - killed)
        epochs.append(evaluation.status().epoch or epochs[-1])
        for pid in set(trainings_of(os.getpid())) - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    with pytest.raises(errors.WorkerLost, match="SIGKILL"):
        evaluation.result(30)
    assert client.evaluate(small_for_synthetic, **SYNTHETIC).verdict == "trained"


class Dying(nn.Module):
    """Ends its process as soon as it computes with real numbers."""

    def __init__(self):
        super().__init__()
        self.body = small_for_synthetic()

    def forward(self, x):
        os._exit(7)
        return self.body(x)


def test_a_model_that_kills_its_process_is_a_typed_error(client):
    with pytest.raises(errors.WorkerLost, match="exit status 7"):
        client.evaluate(Dying, **SYNTHETIC, identity="none")


WAITING = """
    import sys
    from jitnas_fn import Client, Recipe
    long = Recipe(epochs=50_000, batch_size=8, learning_rate=0.01)
    client = Client()
    print("begun", flush=True)
"""


@pytest.mark.parametrize(
    "waiting",
    [
        'client.evaluate(small, dataset="digits", recipe=long)',
        '[e.result() for e in client.map([small], dataset="digits", recipe=long, seeds=range(9))]',
        'with client: client.submit(small, dataset="digits", recipe=long).result()',
    ],
)
def test_ctrl_c_ends_the_training_at_once_and_leaves_the_store_whole(script, own_home, waiting):
    kept = a_record()
    TinyStore(own_home / "cache.jsonl").put(kept)
    process = script(WAITING + f"    {waiting}\n")
    assert process.stdout.readline() == "begun\n"
    wait_for(lambda: any('"epoch":null' not in status.read_text("ascii") for status in (own_home / "worker").glob("*.status")))
    workers = trainings_of(process.pid)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert "KeyboardInterrupt" in err
    assert process.returncode != 0
    wait_for(lambda: not any(map(alive, workers)), seconds=5)
    store = TinyStore(own_home / "cache.jsonl")
    assert list(store.records()) == [kept]
    assert not list(own_home.glob("*.corrupt"))


def test_a_damaged_cache_is_read_as_far_as_it_is_whole(own_home):
    ask = {"dataset": "digits", "recipe": "instant"}
    with Client() as client:
        client.evaluate(small, **ask, seed=0)
        client.evaluate(small, **ask, seed=1)
    cache = own_home / "cache.jsonl"
    lines = cache.read_bytes().splitlines(keepends=True)
    numbers = [number for number, line in enumerate(lines) if b'"kind":"record"' in line]
    lines[numbers[0]] = lines[numbers[0]].replace(b'"verdict":"trained"', b'"verdict":"diverged"')
    cache.write_bytes(b"".join(lines) + b'{"torn')
    client = Client()
    with pytest.warns(UserWarning, match="left out"):
        assert client.lookup(small, **ask, seed=0) is None
    assert client.lookup(small, **ask, seed=1) is not None
    assert list(own_home.glob("*.corrupt"))
