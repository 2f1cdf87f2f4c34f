"""A search whose networks are trained at an endpoint: killed, it goes on; whoever comes later pays nothing."""

import json
import signal
import subprocess
import sys

from jitnas_fn import compare

ASK = {"space": "mlp", "dataset": "digits", "recipe": "instant"}
METHODS = ("evolution", "random_sampling", "random_search")


def found_by(laptop, folder, monkeypatch):
    """What a comparison comes to at somebody's machine, where nothing is known."""
    monkeypatch.setenv("JITNAS_HOME", str(folder))
    with laptop.client() as client:
        return compare(**ASK, methods=["evolution"], seeds=1, evaluations=8, training_seed=laptop.seed(20), client=client)


def told(comparison):
    return [
        (one.method, one.test, [(step.point, step.value, step.seconds) for step in one.steps]) for one in comparison.searches
    ]


def test_a_comparison_is_trained_at_the_site_once_for_all_who_make_it(laptop, tmp_path, monkeypatch):
    first = found_by(laptop, tmp_path / "one", monkeypatch)
    assert {one.method for one in first.searches} == set(METHODS)
    assert all(one.test is not None for one in first.searches)
    keys = {step.key for one in first.searches for step in one.steps}
    trained = [step.key for one in first.searches for step in one.steps if step.source == "trained"]
    assert set(trained) == keys
    jobs = [] if laptop.is_live else laptop.jobs()
    again = found_by(laptop, tmp_path / "other", monkeypatch)
    assert told(again) == told(first)
    assert {step.source for one in again.searches for step in one.steps} <= {"shared", "cache"}
    if not laptop.is_live:
        assert laptop.jobs() == jobs
        assert {record.key for record in laptop.store.records()} == keys
        assert len(laptop.store) == len(keys)


def test_a_search_that_is_killed_goes_on_to_the_same_end(laptop, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "one"))
    options = {**ASK, "method": "local_search", "evaluations": "12", "training-seed": str(laptop.seed(21)), "in-flight": "3"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "jitnas_fn", "search", *words, "--endpoint", laptop.endpoint_id, "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        laptop.cluster.wait_until(lambda: len(laptop.store) >= 2, 200)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    (straight, went_on) = (searched(command, tmp_path / home, monkeypatch) for home in ("other", "one"))
    points = [[(step["point"], step["value"]) for step in one["steps"]] for one in (straight, went_on)]
    assert points[0] == points[1]
    assert len(points[0]) == 12
    assert (straight["key"], straight["test"]) == (went_on["key"], went_on["test"])
    assert len(laptop.store) == len({step["key"] for step in went_on["steps"]})


def searched(command, home, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(home))
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["searches"]
    return one
