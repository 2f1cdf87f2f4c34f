"""What a method of one's own is made of: whatever of it changes, it is another method."""

import linecache
import os
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import pytest

from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search.sources import source_digest

ROOT = Path(__file__).parents[2]
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


NAMES = """
def f(): return 1
def g(): return 2
class A: pass
class B: pass
h, i = (lambda: f), (lambda: f)
"""


@pytest.mark.parametrize(("one", "other"), [("f", "g"), ("A", "B"), ("h", "i"), ("[f, g]", "[g, f]")])
@pytest.mark.parametrize("text", ["chosen()", "(f, g, A, B, h, i, zchosen)", "(Chosen, f, g, A, B, h, i)"])
def test_it_counts_for_which_of_several_a_name_stands(monkeypatch, one, other, text):
    """They stand in the same cell; and each may be reached by its own name too, before or after."""
    room = {"Searcher": Searcher, "__name__": "__main__"}
    cell(monkeypatch, 1, NAMES, room)
    cell(monkeypatch, 2, CELL.replace("pick()", text), room)
    digests = []
    for chosen in (one, other, one):
        for name in ("chosen", "zchosen", "Chosen"):
            room[name] = eval(chosen, room)
        digests.append(source_digest(room["Mine"]))
    assert digests[0] == digests[2] != digests[1]


CLOSED = METHOD.replace("    def learn(self, point, value):\n        pass\n", "    learn = around(3)\n").replace(
    "\nSTEP = 1\n",
    "\n\ndef around(step):\n    def learn(self, point, value):\n        return step\n    return learn\n\nSTEP = 1\n",
)


def test_what_stands_around_a_method_counts(digest):
    assert digest(method=CLOSED) == digest(method=CLOSED)
    assert digest(method=CLOSED, change=lambda own: setattr(own.Mine, "learn", own.around(4))) != digest(method=CLOSED)


def test_a_method_without_a_source_is_known_by_its_bytecode():
    def made(text):
        room = {"Searcher": Searcher, "__name__": "__main__"}
        exec(compile(CELL.replace("pick()", text), "<nowhere>", "exec"), room)
        return source_digest(room["Mine"])

    assert made("self.best") == made("self.best")
    assert len({made(text) for text in ("self.best", "self.worst", "3", "4", "[3 for _ in (1, 2)]")}) == 5


CONTAINED = """
from functools import cached_property, lru_cache, partial
from typing import NamedTuple
from dataclasses import dataclass
import numpy as np
from jitnas_fn.graphs.searcher import Searcher
from helping import pick


@dataclass
class Setting:
    step: int = 1


class State(NamedTuple):
    here: int = 0


@lru_cache
def helped(step):
    return STEP + step


STEP = 1
SETTINGS = [Setting(1)]
TABLE = {"pick": (pick, {1, 2})}
WORDS = {"none", "zero", "one", "two", "three"}
NUMBERS = np.zeros(5000)


class Mine(Searcher):
    @cached_property
    def first(self):
        return helped(SETTINGS[0].step), TABLE, WORDS, NUMBERS, State(1)

    def propose(self):
        return self.first

    def learn(self, point, value):
        pass
"""


def numbers(own):
    own.NUMBERS = own.NUMBERS.copy()
    own.NUMBERS[2500] = 1.0


@pytest.mark.parametrize(
    "changed",
    [
        {"helper": HELPER + "\n# changed\n"},
        {"change": lambda own: setattr(own, "SETTINGS", [own.Setting(2)])},
        {"change": lambda own: setattr(own, "TABLE", {"pick": (own.pick, {1, 3})})},
        {"change": lambda own: setattr(own, "WORDS", {"none", "zero", "one", "two", "four"})},
        {"change": lambda own: setattr(own, "STEP", 2)},
        {"change": numbers},
    ],
    ids=["a function in a dictionary", "an object in a list", "a set", "words", "behind a wrapper", "an array"],
)
def test_what_lies_within_something_else_counts(digest, changed):
    assert digest(method=CONTAINED) == digest(method=CONTAINED)
    assert digest(method=CONTAINED, **changed) != digest(method=CONTAINED)


@pytest.fixture
def of_files(tmp_path):
    """The digest of a class in a folder of files, as another process tells it."""

    def told(texts, *, seed="0"):
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        code = "from lab.mine import Mine; from jitnas_fn.search.sources import source_digest; print(source_digest(Mine))"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    return told


FILES = {
    "lab/mine.py": """
from jitnas_fn.graphs.searcher import Searcher
import middle, package

WORDS = {"none", "zero", "one", "two", "three"}


class Mine(Searcher):
    def propose(self):
        from late import pick
        return middle.draw(), package.inner.draw(), pick, WORDS

    def learn(self, point, value):
        pass
""",
    "middle.py": "from deep import draw\n",
    "deep.py": "def draw():\n    pass\n",
    "package/__init__.py": "from . import inner\n",
    "package/inner.py": "def draw():\n    pass\n",
    "late.py": "def pick():\n    pass\n",
}


def test_every_file_that_is_imported_counts_however_far(of_files):
    """In a folder that is no package, behind another module, in a package, within a function."""
    first = of_files(FILES)
    for name, text in FILES.items():
        assert of_files({**FILES, name: f"{text}# changed\n"}) != first
    assert of_files(FILES, seed="1") == of_files(FILES, seed="2") == first
