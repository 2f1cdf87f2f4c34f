import inspect
import json
import subprocess
import sys

from jitnas_fn.core.envelope import Envelope
from jitnas_fn.worker import entry
from jitnas_fn.worker.entry import run_task

PING = Envelope("ping", {}).to_json()


def test_its_source_alone_answers_as_it_does():
    alone = {}
    exec(inspect.getsource(run_task), alone)
    assert alone["run_task"](PING) == run_task(PING) == PING


def test_it_uses_nothing_of_its_module():
    names = run_task.__code__.co_names
    assert not set(names) & {name for name in vars(entry) if not name.startswith("__")}


def test_where_jitnas_fn_is_missing_the_reply_says_so():
    script = f"{inspect.getsource(run_task)}\nimport sys\nsys.modules['jitnas_fn'] = None\nprint(run_task({PING!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    error = Envelope.from_json(done.stdout.strip()).error
    assert error["type"] == "SiteUnavailable"
    assert error["retryable"] is True
    assert "ModuleNotFoundError" in error["message"]


def test_what_needs_no_training_imports_no_torch():
    texts = [Envelope("hello", {}).to_json(), Envelope("lookup", {"keys": ["a" * 64]}).to_json(), PING]
    script = (
        f"from jitnas_fn.worker.entry import *; [run_task(t) for t in {texts!r}]; import sys; print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_the_reply_is_canonical_json():
    reply = run_task(Envelope("hello", {}).to_json())
    assert reply == json.dumps(json.loads(reply), sort_keys=True, separators=(",", ":"))
