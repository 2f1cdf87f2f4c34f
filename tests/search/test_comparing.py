"""`compare`: by the names of things, from Python."""

import dataclasses

import pytest

from jitnas_fn import Client, compare
from jitnas_fn.core.errors import TaskError, UnknownName
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search import saved
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.summary import rows
from jitnas_fn.search.ways import BASELINES, labelled
from jitnas_fn.stores.memory import MemoryStore
from tests.search.searches import Counting

ASK = {"space": "mlp", "dataset": "digits", "recipe": "quick", "seeds": 2, "evaluations": 6}


class Climbing(Searcher):
    """Mutates the best so far."""

    about = "mutates the best so far, whatever it is"

    def propose(self):
        return self.space.sample(self.rng) if self.best is None else self.space.mutate(self.best[0], self.rng)

    def learn(self, point, value):
        pass


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path))


@pytest.fixture
def client():
    return Client(store=MemoryStore(), executor=Counting())


def test_names_become_a_comparison_that_is_kept_and_printed(client):
    found = compare(**ASK, methods=["evolution", "evolution:sample=5"], client=client)
    assert [row["method"] for row in found.rows] == ["evolution", "evolution:sample=5", "random_sampling", "random_search"]
    assert len(found.searches) == 8
    assert saved.names() == [found.run.name]
    lines = str(found).splitlines()
    assert lines[0].split()[:5] == ["dataset", "method", "seeds", "test", "accuracy"]
    assert [line.split()[1] for line in lines[1:5]] == [row["method"] for row in found.rows]


def test_a_class_of_ones_own_is_a_method_by_its_source(client):
    found = compare(**ASK, methods=[Climbing], client=client)
    name = found.rows[0]["method"]
    assert name.startswith("climbing@")
    assert len(name) == len("climbing@") + 8
    again = compare(**ASK, methods=[Climbing, "local_search"], client=client)
    assert [row["method"] for row in again.rows][:1] == [name]
    assert again.searches[:2] == found.searches[:2]
    assert SavedRun.opened(found.run.name).asked.methods == [name, "random_sampling", "random_search", "local_search"]


@pytest.mark.parametrize("method", [None, 3, Client, object()])
def test_what_is_no_method_is_refused(client, method):
    with pytest.raises(TaskError, match="a method is a name, or a class of a Searcher"):
        compare(**ASK, methods=[method], client=client)


def test_cheaper_trainings_are_for_those_that_begin_with_them(client):
    found = compare(**{**ASK, "evaluations": 25}, methods=["hyperband"], client=client, cheaper_epochs=(1, 4))
    rungs = {one.method: {step.rung for step in one.steps} for one in found.searches}
    assert rungs == {"hyperband": {0, 1, 2}, "random_sampling": {2}, "random_search": {2}}
    assert [fields["epochs"] for fields in found.run.asked.ladder] == [1, 4, 12]


def test_what_makes_no_sense_leaves_no_run(client):
    for changed, error in (
        ({"recipe": "nasbench201_12"}, TaskError),
        ({"space": "x"}, UnknownName),
        ({"evaluations": 0}, TaskError),
    ):
        with pytest.raises(error):
            compare(**{**ASK, **changed}, methods=["evolution"], client=client)
    with pytest.raises(TaskError, match="none is within the bounds"):
        compare(**ASK, methods=["evolution"], client=client, most_parameters=1)
    assert saved.names() == []


def test_random_sampling_takes_its_own_point_whatever_is_known(client):
    first = compare(**ASK, methods=["random_search"], client=client)
    warm = compare(**ASK, methods=["random_search"], client=client, most_warm=3)
    points = {one.seed: one.point for one in first.searches if one.method == "random_sampling"}
    assert points == {one.seed: one.point for one in warm.searches if one.method == "random_sampling"}
    assert [one.warm for one in warm.searches if one.method == "random_search"] == [3, 3]


@pytest.mark.parametrize("method", ["evolution:population=0", "nosuch", "evolution:x=1"])
def test_a_method_that_is_none_ends_it_before_anything_is_trained_or_kept(client, method):
    with pytest.raises((TaskError, UnknownName)):
        compare(**ASK, methods=["local_search", method], client=client)
    assert saved.names() == []
    assert len(compare(**ASK, methods=["local_search"], client=client).searches) == 6


def test_a_method_that_is_not_here_any_more_stays_with_what_it_has_found(client):
    first = compare(**ASK, methods=[Climbing], client=client)
    more = compare(**{**ASK, "seeds": 3}, methods=["evolution"], client=client)
    assert {row["method"]: row["seeds"] for row in more.rows} == dict.fromkeys(("evolution", *BASELINES), 3)
    kept = {(one.method, one.seed) for one in SavedRun.opened(more.run.name).searches()}
    assert kept >= {(first.rows[0]["method"], 0), (first.rows[0]["method"], 1)}


def test_what_is_told_is_what_was_asked_for(client):
    """The run has more: of other methods, and other seeds."""
    compare(**{**ASK, "seeds": 3}, methods=["evolution"], client=client)
    fewer = compare(**{**ASK, "seeds": 1}, methods=["local_search"], client=client)
    assert {row["method"]: row["seeds"] for row in fewer.rows} == dict.fromkeys(("local_search", *BASELINES), 1)
    assert {(one.method, one.seed) for one in fewer.searches} == {(name, 0) for name in ("local_search", *BASELINES)}
    assert {(row["method"], row["seeds"]) for row in rows(list(fewer.run.searches()), fewer.run.asked)} == {
        ("evolution", 3),
        ("random_sampling", 3),
        ("random_search", 3),
        ("local_search", 1),
    }


@pytest.mark.parametrize("method", ["asha", "hyperband", "successive_halving"])
def test_what_begins_with_cheaper_trainings_needs_some(client, method):
    with pytest.raises(TaskError, match=f"{method} begins with cheaper trainings, and here are none"):
        compare(**ASK, methods=[method], client=client)
    assert saved.names() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"evaluations": 2.5},
        {"evaluations": 10**12},
        {"in_flight": 1.5},
        {"in_flight": 0},
        {"seeds": 2_000_000},
        {"seeds": 0},
        {"most_parameters": float("nan")},
        {"most_macs": 0},
        {"most_seconds": float("nan")},
        {"most_seconds": -1},
        {"methods": ["reinforce:learning_rate=nan"]},
        {"methods": ["reinforce:learning_rate=inf"]},
        {"methods": ["evolution:population=99999999999999999999"]},
        {"methods": ["evolution" + ":population=10" * 15]},
    ],
)
def test_numbers_that_are_none_are_refused_before_anything_is_kept(client, changed):
    with pytest.raises(TaskError):
        compare(**{**ASK, "methods": ["evolution"], **changed}, client=client)
    assert saved.names() == []


def made_with(step):
    class Stepping(Climbing):
        about = "uses what stands around it, whatever it is"
        size = step

        def propose(self):
            return self.space.mutate(self.space.sample(self.rng), self.rng)

    return Stepping


def test_classes_of_one_factory_are_told_apart_by_what_they_were_made_with(client):
    found = compare(**{**ASK, "seeds": 1, "evaluations": 2}, methods=[made_with(0), made_with(1)], client=client)
    names = [row["method"] for row in found.rows if row["method"].startswith("stepping@")]
    assert len(set(names)) == 2
    with pytest.raises(TaskError, match="two classes are called stepping@"):
        compare(**ASK, methods=[made_with(0), made_with(0)], client=client)


class Wide(Climbing):
    width = 3


class Twin(Climbing):
    pass


FIRST = Twin


class Twin(Climbing):
    pass


def test_two_classes_of_one_name_in_one_file_are_refused(client):
    with pytest.raises(TaskError, match="two classes are called twin@"):
        compare(**ASK, methods=[FIRST, Twin], client=client)
    assert saved.names() == []


def test_a_class_of_attributes_alone_is_named_after_them_too(monkeypatch):
    (wide,), _ = labelled([Wide])
    monkeypatch.setattr(Wide, "width", 4)
    (wider,), _ = labelled([Wide])
    assert wide != wider
    assert {wide[:5], wider[:5]} == {"wide@"}


def test_what_an_earlier_comparison_left_undone_is_not_made_by_a_later_one(client):
    compare(**{**ASK, "seeds": 1}, methods=["evolution"], client=client)
    run = SavedRun.opened(saved.names()[0])
    SavedRun.begun(dataclasses.replace(run.asked, seeds=list(range(50))))  # and here somebody was killed
    after = compare(**{**ASK, "seeds": 2}, methods=["local_search"], client=client)
    assert {row["method"]: row["seeds"] for row in after.rows} == dict.fromkeys(("local_search", *BASELINES), 2)
    kept = [one.method for one in SavedRun.opened(after.run.name).searches()]
    assert (kept.count("evolution"), len(kept)) == (1, 7)
