"""What a method of one's own is made of: whatever of it changes, it is another method."""

import linecache
import sys
import types
from functools import partial

import pytest

from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search.sources import source_digest

HELPER = "def pick(space, rng):\n    return space.sample(rng)\n"
METHOD = """
from jitnas_fn.graphs.searcher import Searcher
from helping import pick
import helped

STEP = 1


class Setting:
    def __init__(self, step):
        self.step = step


class Mine(Searcher):
    rates = (0, 0)

    def propose(self):
        return pick(self.space, self.rng) if STEP else helped.other()

    def learn(self, point, value):
        pass
"""


def module(folder, name, text):
    """A module of the user's, in a file."""
    file = folder / f"{name}.py"
    file.write_text(text)
    linecache.checkcache()
    made = types.ModuleType(name)
    made.__file__ = str(file)
    sys.modules[name] = made
    exec(compile(text, str(file), "exec"), vars(made))
    return made


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Makes the modules, changed or not, and tells the digest of the class."""

    def made(*, helper=HELPER, helped="def other():\n    pass\n", method=METHOD, change=lambda mine: None):
        for name in ("helping", "helped", "own"):
            monkeypatch.setitem(sys.modules, name, None)
        module(tmp_path, "helping", helper)
        module(tmp_path, "helped", helped)
        mine = module(tmp_path, "own", method)
        change(mine)
        return source_digest(mine.Mine)

    return made


def test_the_same_files_have_the_same_digest(digest):
    assert digest() == digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"method": METHOD + "\n# changed\n"},
        {"helper": HELPER + "\n# changed\n"},
        {"helped": "def other():\n    return None\n"},
        {"change": lambda own: setattr(own, "STEP", 2)},
        {"change": lambda own: setattr(own.Mine, "rates", (1, 1))},
        {"change": lambda own: setattr(own.Mine, "rates", [0, 0])},
        {"change": lambda own: setattr(own.Mine, "more", {"a": 1})},
        {"change": lambda own: setattr(own, "STEP", own.Setting(2))},
        {"change": lambda own: setattr(own, "STEP", partial(own.Setting, 2))},
    ],
    ids=[
        "its file",
        "a function's file",
        "a module's file",
        "a global",
        "a tuple",
        "a list",
        "another attribute",
        "an object",
        "a function with values",
    ],
)
def test_whatever_changes_makes_another(digest, changed):
    assert digest(**changed) != digest()


@pytest.mark.parametrize("kind", [lambda own, step: own.Setting(step), lambda own, step: partial(own.Setting, step)])
def test_what_an_object_holds_counts(digest, kind):
    digests = {digest(change=lambda own, step=step: setattr(own, "STEP", kind(own, step))) for step in (1, 1, 2)}
    assert len(digests) == 2


def test_where_an_object_lies_changes_nothing(digest):
    def change(own):
        own.STEP = object()

    assert digest(change=change) == digest(change=change)


class Silent:
    def __repr__(self):
        raise RuntimeError


def test_a_value_that_cannot_be_shown_is_known_by_its_kind(digest):
    assert digest(change=lambda own: setattr(own, "STEP", Silent())) != digest()


CELL = """
class Mine(Searcher):
    def propose(self):
        return pick()
    def learn(self, point, value):
        pass
"""


def cell(monkeypatch, number, text, room):
    name = f"<cell {number}>"
    monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
    exec(compile(text, name, "exec"), room)


def test_what_stands_in_other_cells_of_a_notebook_counts(monkeypatch):
    room = {"Searcher": Searcher, "__name__": "__main__"}
    cell(monkeypatch, 1, "PICK = 0\ndef pick():\n    return PICK\n", room)
    cell(monkeypatch, 2, CELL, room)
    digests = [source_digest(room["Mine"])]
    room["PICK"] = 1
    digests.append(source_digest(room["Mine"]))
    cell(monkeypatch, 3, "def pick():\n    return 2\n", room)
    digests.append(source_digest(room["Mine"]))
    assert len(set(digests)) == 3


def test_what_stands_around_a_method_is_refused(digest):
    closed = METHOD.replace("    def learn(self, point, value):\n        pass\n", "    learn = around(3)\n")
    factory = "\n\ndef around(step):\n    def learn(self, point, value):\n        return step\n    return learn\n\n"
    with pytest.raises(TaskError, match="uses what stands around it, step, which no name tells"):
        digest(method=closed.replace("\nSTEP = 1\n", factory + "STEP = 1\n"))
