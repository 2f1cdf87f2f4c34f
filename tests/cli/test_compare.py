"""`jitnas compare`, `jitnas cache import` and look-ups in tables: from the words to the answer."""

import json

import pytest

from jitnas_fn import Client
from jitnas_fn.core.errors import NotTabulated, TaskError
from jitnas_fn.spaces.nasbench201 import SPACE
from tests.tables import small

CODES = [f"{first}3333{last}" for first in range(5) for last in range(5)]
REPLAY = ("compare", "--replay", "nasbench201", "--dataset", "cifar10", "--methods", "random_search,evolution")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    return small.written(small.nasbench201(CODES, timed=12), tmp_path / "table.csv.gz")


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(
        "from jitnas_fn.spaces.nasbench201 import SPACE\n"
        "known = SPACE.architecture((0, 3, 3, 3, 3, 3), (3, 32, 32), 10).build\n"
        "unknown = SPACE.architecture((1, 1, 1, 1, 1, 1), (3, 32, 32), 10).build\n"
    )
    return path


def test_a_replay_is_told_as_a_table_and_as_json(jitnas, file):
    words = (*REPLAY, "--table", file, "--evaluations", 10, "--seeds", 3)
    code, out, err = jitnas(*words)
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split()[:4] == ["dataset", "method", "seeds", "test"]
    assert [line.split()[:3] for line in lines[:3]] == [
        ["cifar10", name, "3"] for name in ("random_search", "evolution", "random_sampling")
    ]
    assert lines[4].startswith("run replay-nasbench201-cifar10-")
    assert lines[5].startswith(
        "seconds of cifar10 are judged where none were published: by the published time of 200 epochs, 12/200"
    )
    assert lines[5].endswith("published times of cifar10, 12/200 of it for 50% of the samples (R² 1.00)")
    code, out, _ = jitnas(*words, "--json")
    fields = json.loads(out)
    assert [row["method"] for row in fields["methods"]] == ["random_search", "evolution", "random_sampling"]
    for row in fields["methods"]:
        assert row["dataset"] == "cifar10"
        assert 0 < row["test_accuracy_mean"] < 1
        assert row["test_accuracy_std"] >= 0
        assert row["seconds"] > 0
    assert fields["runs"][0].startswith("replay-nasbench201-cifar10-")
    assert fields["optimum"]["cifar10"]["test"] < 1
    assert sorted(fields["seconds_judged"]["cifar10"].values(), key=str) == [1.0, None]


def test_scaled_seconds_are_told_also_where_there_is_no_line(jitnas, tmp_path):
    """NAS-Bench-101 publishes the seconds of all its longest trainings, and of none of the others."""
    table = small.written(
        small.nasbench101([(0.1, 0.2, 0.3, 0.4 + number / 100) for number in range(9)]), tmp_path / "t.csv.gz"
    )
    words = ("compare", "--replay", "nasbench101", "--table", table, "--dataset", "cifar10", "--methods", "asha")
    code, out, _ = jitnas(*words, "--evaluations", 5, "--seeds", 1)
    assert code == 0
    told = "; ".join(f"by the published time of 108 epochs, {epochs}/108 of it" for epochs in (4, 12, 36))
    assert f"seconds of cifar10 are judged where none were published: {told}\n" in out


def test_several_datasets_are_compared_in_one_go(jitnas, file):
    words = (*REPLAY[:4], "cifar10,cifar100", *REPLAY[5:], "--table", file, "--evaluations", 5, "--seeds", 2, "--json")
    code, out, _ = jitnas(*words)
    assert code == 0
    assert [row["dataset"] for row in json.loads(out)["methods"]] == ["cifar10"] * 3 + ["cifar100"] * 3


def test_a_table_that_was_imported_needs_no_file(jitnas, file, network):
    code, out, _ = jitnas("cache", "import", "--table", "nasbench201", file)
    assert code == 0
    assert out.startswith("nasbench201: 25 rows, ")
    assert "recipes nasbench201_12, nasbench201_200" in out
    code, out, _ = jitnas("cache", "import", "--table", "nasbench201", file, "--json")
    fields = json.loads(out)
    assert (fields["rows"], fields["records"], fields["datasets"]) == (25, 150, ["cifar10", "cifar100", "imagenet16_120"])
    file.unlink()
    assert jitnas(*REPLAY, "--evaluations", 5, "--seeds", 2)[0] == 0
    ask = ("--dataset", "cifar10", "--recipe", "nasbench201_200")
    code, out, _ = jitnas("lookup", f"{network}:known", *ask, "--accept-imported")
    assert code == 0
    assert "no seed told" in out
    assert "published   table nasbench201, row 3, runs not told" in out
    code, out, _ = jitnas("lookup", f"{network}:known", *ask, "--accept-imported", "--json")
    assert json.loads(out)["provenance"]["origin"] == "imported"
    assert jitnas("lookup", f"{network}:unknown", *ask, "--accept-imported")[0] == 3
    code, _, err = jitnas("lookup", f"{network}:known", *ask)
    assert code == 2
    assert "jitnas lookup --accept-imported" in err


def test_what_was_imported_stands_apart_from_what_was_trained(jitnas, file):
    before = json.loads(jitnas("cache", "info", "--json")[1])
    jitnas("cache", "import", "--table", "nasbench201", file)
    network = SPACE.architecture((0, 3, 3, 3, 3, 3), (3, 32, 32), 10)
    with Client(accept_imported=True) as client:
        record = client.evaluate(network, dataset="cifar10", recipe="nasbench201_200")
        assert client.records(network, dataset="cifar10", recipe="nasbench201_200") == [record]
    after = json.loads(jitnas("cache", "info", "--json")[1])
    assert (before["tables"], after["tables"]) == ([], ["nasbench201"])
    for name in ("records", "own_records", "datasets", "recipes", "spent", "avoided"):
        assert before[name] == after[name]
    assert (after["inherited"]["records"], after["asked"]["hits"]) == (1, 1)
    assert "imported, apart from all of that: nasbench201" in jitnas("cache", "info")[1]


def test_a_network_that_no_table_has_is_not_trained_in_its_place(file):
    network = SPACE.architecture((1, 1, 1, 1, 1, 1), (3, 32, 32), 10)
    with Client(accept_imported=True) as client:
        assert client.lookup(network, dataset="cifar10", recipe="nasbench201_200") is None
        with pytest.raises(NotTabulated, match="nothing is trained by it"):
            client.evaluate(network, dataset="cifar10", recipe="nasbench201_200")


@pytest.mark.slow
def test_methods_are_compared_on_a_real_dataset(jitnas, file):
    words = ("compare", "--space", "mlp", "--dataset", "digits", "--recipe", "instant", "--methods", "evolution")
    code, out, err = jitnas(*words, "--evaluations", 6, "--seeds", 2)
    assert code == 0
    assert err.splitlines()[0].startswith("evolution seed 0     1")
    assert [line.split()[1] for line in out.splitlines()[1:4]] == ["evolution", "random_sampling", "random_search"]
    code, again, err = jitnas(*words, "--evaluations", 6, "--seeds", 2)
    assert (code, err) == (0, "")
    assert again == out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*REPLAY, "--evaluations", 5), "is not here: name its file with --table"),
        ((*REPLAY, "--table", "FILE", "--seconds", "nan"), "has a budget above 0"),
        ((*REPLAY, "--table", "FILE", "--seconds", "inf"), "has a budget above 0"),
        ((*REPLAY, "--table", "FILE", "--evaluations", -5), "has a budget above 0"),
        ((*REPLAY, "--table", "FILE", "--evaluations", 5, "--most-seconds", "nan"), "a bound of seconds is a number above 0"),
        ((*REPLAY, "--table", "FILE", "--evaluations", 5, "--most-seconds", -1), "a bound of seconds is a number above 0"),
        ((*REPLAY, "--table", "FILE"), "has a budget above 0"),
        ((*REPLAY, "--table", "FILE", "--evaluations", 0), "has a budget above 0"),
        ((*REPLAY, "--table", "FILE", "--evaluations", 5, "--recipe", "quick"), "a replay has no recipe to be chosen"),
        ((*REPLAY[:4], "digits", *REPLAY[5:], "--table", "FILE", "--evaluations", 5), "has no dataset 'digits'"),
        ((*REPLAY[:6], "nosuch", "--table", "FILE", "--evaluations", 5), "there are asha"),
        (("compare", "--replay", "nosuch", *REPLAY[3:], "--evaluations", 5), "there are nasbench101"),
        (("compare", "--dataset", "digits", "--methods", "evolution", "--evaluations", 3), "name --space and --recipe"),
        (("cache", "import", "--table", "nasbench101", "FILE"), "is no table nasbench101"),
        (("cache", "import", "--table", "nasbench201", "nosuch.csv"), "cannot be read"),
        (
            ("search", "--space", "mlp", "--dataset", "digits", "--recipe", "nasbench201_12", "--method", "asha"),
            "jitnas compare --replay searches there",
        ),
        (("search", "--space", "mlp", "--dataset", "cifar10", "--recipe", "quick", "--method", "asha"), "there is a card only"),
    ],
)
def test_what_makes_no_sense_is_told(jitnas, file, words, told):
    code, out, err = jitnas(*(file if word == "FILE" else word for word in words))
    assert code in (1, 2)
    assert out == ""
    assert told in " ".join(err.replace("│", " ").split())


def test_a_key_of_a_table_is_answered_where_that_is_accepted(jitnas, file):
    jitnas("cache", "import", "--table", "nasbench201", file)
    with Client(accept_imported=True) as client:
        network = SPACE.architecture((0, 3, 3, 3, 3, 3), (3, 32, 32), 10)
        key = client.lookup(network, dataset="cifar10", recipe="nasbench201_200").key
        with pytest.raises(TaskError, match="a published table has a network or has it not"):
            client.explain(network, dataset="cifar10", recipe="nasbench201_200")
    code, _, err = jitnas("lookup", key)
    assert code == 3
    assert "not asked: the imported nasbench201; --accept-imported asks them too" in err
    assert jitnas("lookup", key, "--accept-imported")[0] == 0


@pytest.mark.parametrize("more", [("--warm", 3), ("--training-seed", 1), ("--final", "quick"), ("--cheaper-epochs", "1")])
def test_what_a_replay_does_not_take_is_told(jitnas, file, more):
    code, _, err = jitnas(*REPLAY, "--table", file, "--evaluations", 5, *more)
    assert code == 2
    assert "a replay has no" in " ".join(err.replace("│", " ").split())


def test_a_dataset_that_is_named_twice_is_compared_once(jitnas, file):
    words = (*REPLAY[:4], "cifar10, cifar10", *REPLAY[5:], "--table", file, "--evaluations", 5, "--seeds", 2, "--json")
    assert len(json.loads(jitnas(*words)[1])["methods"]) == 3
