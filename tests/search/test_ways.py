"""Ways to search by the words of people: names, and options of their own."""

import linecache

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import TaskError, UnknownName
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search.ways import check_ways, labelled, way_named, with_baselines
from tests.searchers.problems import problem_of


@pytest.mark.parametrize("name", shelf.names("searchers"))
def test_every_file_is_a_way(name):
    assert way_named(name, problem_of(), seed=1).name == name


def test_options_are_taken_in_their_types():
    made = way_named("evolution:population=20:sample=5", problem_of(), seed=1)
    assert (made._alive.maxlen, made._sample) == (20, 5)
    assert way_named("reinforce:learning_rate=0.5", problem_of(), seed=1)._rate == 0.5


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("evolution:size=3", r"no option 'size'; there are population \(else 10\), sample \(else 3\)"),
        ("evolution:population", "this is int, such as 10"),
        ("evolution:population=x", "this is int, such as 10"),
        ("evolution:population=2:sample=3", "is not drawn from a population of 2"),
        ("evolution:seed=3", "no option 'seed'"),
        ("random_search:x=1", "there are none"),
    ],
)
def test_what_a_way_does_not_take_is_told(method, told):
    with pytest.raises(TaskError, match=told):
        way_named(method, problem_of(), seed=0)


def test_variants_of_one_way_are_several_methods():
    assert with_baselines(["evolution", "evolution:sample=5"])[:2] == ["evolution", "evolution:sample=5"]
    with pytest.raises(TaskError, match="no option"):
        check_ways(["evolution", "evolution:x=1"], problem_of())
    with pytest.raises(UnknownName, match="there are asha"):
        check_ways(["../evolution"], problem_of())
    with pytest.raises(TaskError, match="nasbench101 is none"):
        check_ways(["reinforce"], problem_of("nasbench101"))


CELL = """
class Mine(Searcher):
    about = "a class in a cell of a notebook"
    def propose(self):
        return self.space.sample(self.rng)
    def learn(self, point, value):
        pass
"""


def class_in_a_cell(monkeypatch, text):
    """As a notebook makes it: its source stands in no file, but where tracebacks find it."""
    name, room = "<cell>", {"Searcher": Searcher, "__name__": "__main__"}
    monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
    exec(compile(text, name, "exec"), room)
    return room["Mine"]


def test_a_class_in_a_cell_of_a_notebook_is_named_after_the_cell(monkeypatch):
    labels = set()
    for text in (CELL, CELL, CELL.replace("sample(self.rng)", "mutate(self.best[0], self.rng)")):
        made = class_in_a_cell(monkeypatch, text)
        (label,), own = labelled([made])
        assert own == {label: made}
        assert way_named(label, problem_of(), seed=0, own=own).name == "mine"
        labels.add(label)
    assert len(labels) == 2
