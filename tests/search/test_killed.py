"""A search that is killed, in whatever state it is, goes on when it is started again, to the same end."""

import json
import os
import signal
import subprocess
import sys

import pytest

WORDS = ("--space", "mlp", "--dataset", "digits", "--recipe", "instant", "--evaluations", "24", "--seeds", "2")


def command(home, method):
    words = (sys.executable, "-m", "jitnas_fn", "search", *WORDS, "--method", method)
    return words, {**os.environ, "JITNAS_HOME": str(home)}


def whole(home, method):
    """The searches of a run to its end."""
    words, environment = command(home, method)
    done = subprocess.run((*words, "--json"), env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["searches"]


def killed(home, method, *, after):
    """Kill a run when so many steps were told; how many it had told."""
    words, environment = command(home, method)
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        told = 0
        for line in running.stderr:
            told += " seed " in line
            if told == after:
                running.send_signal(signal.SIGKILL)
                break
    return told


@pytest.mark.slow
@pytest.mark.parametrize("method", ["evolution", "local_search"])
def test_a_search_that_is_killed_again_and_again_comes_to_the_same_end(tmp_path, method):
    for after in (5, 17, 30):  # the last in the second search
        assert killed(tmp_path / "killed", method, after=after) == after
    found, alike = whole(tmp_path / "killed", method), whole(tmp_path / "whole", method)
    for one, same in zip(found, alike, strict=True):
        assert [step["point"] for step in one["steps"]] == [step["point"] for step in same["steps"]]
        assert [step["value"] for step in one["steps"]] == [step["value"] for step in same["steps"]]
        assert all(one[name] == same[name] for name in ("point", "key", "validation", "test"))
