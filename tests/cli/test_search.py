"""`jitnas search`: a real search on this machine, and what it tells."""

import json

import pytest

from jitnas_fn.core import shelf

ASK = ("search", "--space", "mlp", "--dataset", "digits", "--recipe", "instant", "--method")


@pytest.mark.slow
def test_a_search_is_told_step_by_step_and_is_kept(jitnas):
    words = (*ASK, "evolution", "--evaluations", 12, "--seeds", 2)
    code, out, err = jitnas(*words)
    assert code == 0
    assert len(err.splitlines()) == 24
    assert err.splitlines()[0].startswith("evolution seed 0     1")
    head, first, second, end, run = out.splitlines()
    assert head.split()[:3] == ["seed", "validation", "test"]
    assert first.split()[:1] + second.split()[:1] == ["0", "1"]
    assert "over 2 seeds" in end
    assert run.startswith("run search-mlp-digits-")
    code, out, _ = jitnas(*(word if word != "--evaluations" else "--budget" for word in words), "--json")  # the same word
    fields = json.loads(out)
    assert [fields[name] for name in ("space", "dataset", "recipe", "method", "training_seed")] == [*ASK[2:8:2], "evolution", 0]
    for one in fields["searches"]:
        assert len(one["steps"]) == 12
        assert {step["source"] for step in one["steps"]} <= {"trained", "cache"}
        assert one["validation"] == max(step["value"] for step in one["steps"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*ASK, "gradient_descent", "--evaluations", 3), f"there are {', '.join(shelf.names('searchers'))}"),
        ((*ASK, "evolution"), "has a budget above 0"),
        ((*ASK, "evolution", "--evaluations", 0), "has a budget above 0"),
        ((*ASK, "evolution", "--evaluations", 3, "--most-parameters", 5), "none is within the bounds"),
        (("search", "--space", "x", *ASK[3:], "evolution", "--evaluations", 3), "there are darts"),
        (("search", "--space", "nasbench101", *ASK[3:], "reinforce", "--evaluations", 3), "nasbench101 is none"),
    ],
)
def test_what_makes_no_sense_is_told(jitnas, words, told):
    code, out, err = jitnas(*words)
    assert (code, out) == (2, "")
    assert told in err
