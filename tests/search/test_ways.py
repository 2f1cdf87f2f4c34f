"""Ways to search by the words of people: names, and options of their own."""

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import TaskError, UnknownName
from jitnas_fn.search.ways import way_named, with_baselines
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
        with_baselines(["evolution:x=1"])
    with pytest.raises(UnknownName, match="there are asha"):
        with_baselines(["../evolution"])
