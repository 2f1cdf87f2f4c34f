"""Every command: its answer on standard output, everything else on standard error, and its exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from jitnas_fn import fingerprint
from tests.client.models import small

ROOT = Path(__file__).parents[2]
ASK = ["--dataset", "digits", "--recipe", "instant"]
FILE = """
    import atexit, os, subprocess, sys
    from torch import nn

    print("printed by the file")
    os.write(1, b"written by the file\\n")
    if os.environ.get("AT_EXIT"):
        atexit.register(print, "printed at exit")

    def network():
        print("printed by the function")
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.conv = nn.Linear(4, 10), nn.Conv2d(1, 4, 3, padding="same")

        def forward(self, x):
            print("printed by forward")
            return self.out(self.conv(x).relu().mean((2, 3)))

    class Branching(Network):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    module = network()
    small = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    number = 3
"""


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "models.py"
    path.write_text(textwrap.dedent(FILE), "utf-8")
    return path


def process(*words, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "jitnas_fn", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AT_EXIT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("name", ["network", "Network", "module"])
def test_a_fingerprint_of_a_function_a_class_and_a_module(jitnas, model_file, name):
    code, out, err = jitnas("fingerprint", f"{model_file}:{name}", "--input", "1,8,8", "--json")
    assert code == 0, err
    assert json.loads(out) == {
        "fingerprint": fingerprint(small, (1, 8, 8)),
        "parameters": 90,
        "macs": 64 * 4 * (9 + 1) + 10 * (4 + 1),
    }
    assert "printed by the file" in err
    assert "written by the file" in err


def test_a_fingerprint_for_people(jitnas, model_file):
    code, out, _ = jitnas("fingerprint", f"{model_file}:network", "--input", "1,8,8")
    assert code == 0
    assert out.splitlines()[0] == f"fingerprint {fingerprint(small, (1, 8, 8))}"


def test_a_miss_is_trained_and_then_a_hit_by_model_and_by_key(jitnas, model_file, own_home):
    code, out, err = jitnas("lookup", f"{model_file}:network", *ASK, "--json")
    assert code == 3
    missed = json.loads(out)
    assert missed["source"] is None
    assert "verdict" not in missed
    assert "a miss" in err

    code, out, _ = jitnas("evaluate", f"{model_file}:network", *ASK, "--json")
    assert code == 0
    trained = json.loads(out)
    assert {"record_id", "metrics", "curves", "key", "source", "seconds_waited"} <= set(trained)
    assert (trained["source"], trained["key"]) == ("trained", missed["key"])
    assert trained["verdict"] == "trained"

    code, out, _ = jitnas("evaluate", f"{model_file}:Network", *ASK, "--json")
    assert code == 0
    assert json.loads(out)["source"] == "cache"

    for words in (["lookup", f"{model_file}:Network", *ASK], ["lookup", trained["key"]]):
        code, out, _ = jitnas(*words, "--json")
        assert code == 0
        assert json.loads(out)["metrics"] == trained["metrics"]
        code, out, _ = jitnas(*words)
        assert code == 0
        assert out.startswith("trained on digits, recipe instant, seed 0\n")
        assert trained["key"] in out

    code, out, _ = jitnas("explain", f"{model_file}:Network", *ASK, "--seed", "7")
    assert code == 0
    assert "Known with another seed: 0 (1 record)." in out
    code, out, _ = jitnas("explain", f"{model_file}:Network", *ASK, "--seed", "7", "--json")
    assert json.loads(out)["seeds"] == {"0": 1}

    for words in (["lookup", f"{model_file}:Network", *ASK], ["explain", f"{model_file}:Network", *ASK]):
        assert jitnas(*words, "--limit-seconds", "5", "--limit-memory", "2GB")[0] == 0

    code, out, _ = jitnas("cache", "info", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["home"] == str(own_home)
    assert found["own_records"] == 1
    code, out, _ = jitnas("cache", "info")
    assert str(own_home) in out


def test_what_is_asked_of_a_fresh_home_is_no_error(jitnas, monkeypatch, tmp_path):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "not" / "there"))
    assert jitnas("lookup", "0" * 64)[0] == 3
    assert jitnas("cache", "info")[0] == 0


def test_versions(jitnas):
    code, out, _ = jitnas("version", "--json")
    assert code == 0
    assert set(json.loads(out)) >= {"jitnas_fn", "python", "torch", "key_version", "record_version", "protocol"}
    assert jitnas("version")[1].startswith("jitnas_fn ")


def test_help_names_every_command(jitnas):
    code, out, _ = jitnas("--help")
    assert code == 0
    for name in ("evaluate", "lookup", "fingerprint", "explain", "cache", "version"):
        assert name in out
        assert jitnas(name, "--help")[0] == 0


BAD_FILE = "import torch\nraise RuntimeError('no data')\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["evaluate", "{file}:network", "--dataset", "nosuch", "--recipe", "instant"],
            "no 'nosuch' in datasets; there are .*digits",
        ),
        (["evaluate", "{file}:network", "--dataset", "digits", "--recipe", "nosuch"], "no recipe 'nosuch'; there are"),
        (["evaluate", "{file}:number", *ASK], "int"),
        (["evaluate", "{file}:nothing", *ASK], "no 'nothing' in models.py; there are .*Network"),
        (["evaluate", "{file}:small", *ASK], "digits needs 10"),
        (["evaluate", "{file}:Branching", *ASK], "."),
        (["evaluate", "{file}:network", *ASK, "--seed", "-1"], "a seed is an integer from 0"),
        (["evaluate", "{file}:network", *ASK, "--limit-memory", "much"], "MB or GB"),
        (["evaluate", "{file}:network", *ASK, "--limit-seconds", "0"], "above 0"),
        (["lookup", "{file}:network", *ASK, "--limit-seconds", "0"], "above 0"),
        (["explain", "{file}:network", *ASK, "--limit-memory", "much"], "MB or GB"),
        (["explain", "{file}:network", *ASK, "--limit-memory", f"{'9' * 400}GB"], r"below 2\^63 bytes"),
        (["evaluate", "{file}:network", *ASK, "--identity", "near"], "no identity 'near'"),
        (["evaluate", "{file}:network", *ASK, "--endpoint", "mine"], "the id of an endpoint is a UUID, not 'mine'"),
        (["evaluate", "nosuch.py:network", *ASK], "there is no file nosuch.py"),
        (["evaluate", "network", *ASK], "expected FILE.py:NAME"),
        (["evaluate", "{bad}:network", *ASK], r"bad\.py cannot be imported: line 2: RuntimeError: no data"),
        (["evaluate", "{broken}:network", *ASK], r"broken\.py cannot be imported: line 1: SyntaxError"),
        (["evaluate", "{exits}:network", *ASK], r"exits\.py cannot be imported: line 1: SystemExit"),
        (["fingerprint", "{file}:network", "--input", "1x"], "whole numbers above 0"),
        (["explain", "{file}:network", "--dataset", "nosuch", "--recipe", "instant"], "no 'nosuch' in datasets"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(jitnas, model_file, tmp_path, words, message):
    files = {"file": model_file}
    for name, text in {"bad": BAD_FILE, "broken": "def (", "exits": "raise SystemExit(0)"}.items():
        files[name] = tmp_path / f"{name}.py"
        files[name].write_text(text, "utf-8")
    code, out, err = jitnas(*[word.format(**files) for word in words], *(["--json"] if words[0] == "evaluate" else []))
    said = [line for line in err.splitlines() if line.startswith("jitnas: ")]
    assert (code, out) == (2, "")
    assert len(said) == 1
    assert re.search(message, said[0])
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["nosuch"], ["evaluate"], ["lookup", "FILE.py:NAME"], ["evaluate", "x.py:y", "--seed", "a"]])
def test_wrong_usage_is_exit_code_2(jitnas, words):
    code, out, err = jitnas(*words)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_failure_is_exit_code_1(jitnas, monkeypatch, tmp_path, model_file):
    (tmp_path / "taken").write_text("a file, not a folder")
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "taken"))
    code, out, err = jitnas("lookup", "0" * 64, "--json")
    assert (code, out) == (1, "")
    assert re.fullmatch(r"jitnas: .*JITNAS_HOME.*\n", err)


CRASH = """
import os
from torch import nn

class Crash(nn.Flatten):
    def forward(self, x):
        os._exit(7)
"""


def test_a_crash_of_the_model_is_exit_code_1(jitnas, tmp_path):
    (tmp_path / "crash.py").write_text(CRASH, "utf-8")
    code, out, err = jitnas("evaluate", f"{tmp_path / 'crash.py'}:Crash", *ASK, "--identity", "none")
    assert (code, out) == (1, "")
    assert "exit status 7" in err


def test_debug_shows_the_traceback(jitnas, monkeypatch, model_file):
    monkeypatch.setenv("JITNAS_DEBUG", "1")
    with pytest.raises(LookupError):
        jitnas("evaluate", f"{model_file}:network", "--dataset", "nosuch", "--recipe", "instant")


def test_a_piped_training_says_at_most_a_line_per_epoch_and_stdout_holds_json_alone(model_file, tmp_path):
    asked = process("evaluate", f"{model_file}:Network", "--dataset", "digits", "--recipe", "quick", "--json", cwd=tmp_path)
    out, err = asked.communicate(timeout=110)
    assert asked.returncode == 0, err
    assert out.count("\n") == 1
    assert json.loads(out)["verdict"] == "trained"
    assert "printed at exit" in err
    lines = [line for line in err.splitlines() if line.startswith("training")]
    assert len(lines) <= 12
    assert all(re.match(r"training +epoch \d+/12 +validation accuracy [01]\.\d+ +\d+ s left", line) for line in lines)
    epochs = [int(re.search(r"epoch (\d+)/", line)[1]) for line in lines]
    assert epochs == sorted(set(epochs))


def test_ctrl_c_is_told_in_one_line(model_file, tmp_path, own_home):
    asked = process("evaluate", f"{model_file}:network", "--dataset", "digits", "--recipe", "standard", "--json", cwd=tmp_path)
    end = time.monotonic() + 80
    while not any('"epoch":null' not in status.read_text("ascii") for status in (own_home / "worker").glob("*.status")):
        assert time.monotonic() < end
        time.sleep(0.05)
    asked.send_signal(signal.SIGINT)
    out, err = asked.communicate(timeout=20)
    assert asked.returncode not in (0, 2, 3)
    assert out == ""
    assert "Traceback" not in err


def test_a_model_without_a_key_is_trained_and_described(jitnas, model_file):
    code, out, _ = jitnas("evaluate", f"{model_file}:network", *ASK, "--identity", "none")
    assert code == 0
    assert "opaque-" in out
    assert "unknown multiply-adds" in out
