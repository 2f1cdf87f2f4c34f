"""What a way to search is told: no test part, and nothing by which it could change what is measured."""

import pytest

from jitnas_fn import Client
from jitnas_fn.core.errors import NotAllowed
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search import search
from jitnas_fn.stores.memory import MemoryStore
from tests.search.searches import Counting, worth
from tests.searchers.problems import problem_of


class Cheat(Searcher):
    """Looks at the test part."""

    about = "looks at what it must not see"

    def propose(self):
        return self.space.sample(self.rng)

    def learn(self, point, value):
        pass

    def tell(self, record):
        super().tell(record)
        assert "test" not in record.metrics
        record.metrics["test"]


def test_a_searcher_that_looks_at_the_test_part_is_told_that_it_is_sealed():
    client = Client(store=MemoryStore(), executor=Counting())
    with pytest.raises(NotAllowed, match="chooses on validation; test is read at its end"):
        search(Cheat(problem_of(), seed=0), client, seed=0, evaluations=3)


class Curious(Cheat):
    """Looks for the test part of the curves, and of what records are left."""

    about = "looks at curves that it must not see"

    def tell(self, record):
        Searcher.tell(self, record)
        assert record.seal["salt"] is None
        record.curves["test"]


def test_curves_of_test_are_sealed_too():
    client = Client(store=MemoryStore(), executor=Counting())
    with pytest.raises(NotAllowed, match="test is read at its end"):
        search(Curious(problem_of(), seed=0), client, seed=0, evaluations=3)


class Spoiling(Searcher):
    """Changes the records that it is told."""

    about = "changes what it is told, as whoever normalises in place"

    def propose(self):
        return self.space.sample(self.rng)

    def learn(self, point, value):
        pass

    def tell(self, record):
        super().tell(record)
        record.cost["wall_seconds"] = 0.0
        record.metrics["validation"]["accuracy"] /= 2
        record.parts.clear()


def test_what_a_searcher_does_with_its_records_changes_nothing_for_anybody():
    class Kept(MemoryStore):
        """Gives everybody the very same records."""

        def __init__(self):
            super().__init__()
            self.given = {}

        def get(self, key):
            found = self.given.get(key) or super().get(key)
            if found is not None:
                self.given[key] = found
            return found

    store = Kept()
    client = Client(store=store, executor=Counting())
    for _ in range(2):
        found = search(Spoiling(problem_of(), seed=0), client, seed=0, evaluations=6)
        assert [step.value for step in found.steps] == [worth(step.key) for step in found.steps]
        assert found.seconds == 2.0 * 6
        assert found.validation == max(worth(step.key) for step in found.steps)
    assert {step.source for step in found.steps} == {"cache"}
