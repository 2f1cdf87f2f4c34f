"""Aliases: what is believed, what is not, and that those which are shipped are those that are built."""

import itertools
import random

import pytest

from jitnas_fn.core.cards import card_named
from jitnas_fn.graphs.listed import Listed
from jitnas_fn.graphs.space import Space
from jitnas_fn.spaces.darts import SPACE as DARTS
from jitnas_fn.spaces.darts import Darts
from jitnas_fn.spaces.mlp import SPACE as MLP
from jitnas_fn.spaces.nasbench201 import SPACE as NB201
from jitnas_fn.stores import aliases as of_aliases
from jitnas_fn.stores.aliases import AliasBook

DIGITS = ((1, 8, 8), 10)
POINTS = [MLP.sample(random.Random(number)) for number in range(5)]


@pytest.fixture
def book(tmp_path):
    return AliasBook(tmp_path)


def built(space, point, of=DIGITS):
    return space.architecture(point, *of).fingerprint


def test_what_was_put_is_known_here_and_to_the_next_process(book, tmp_path):
    assert book.get(MLP, POINTS[0], *DIGITS) is None
    book.extend(MLP, [(point, built(MLP, point)) for point in POINTS], *DIGITS)
    for one in (book, AliasBook(tmp_path)):
        assert [one.get(MLP, point, *DIGITS) for point in POINTS] == [built(MLP, point) for point in POINTS]
        assert one.get(MLP, POINTS[0], (1, 8, 8), 9) is None
        assert one.get(MLP, POINTS[0], (8, 8), 10) is None


def test_nothing_that_other_code_has_built_is_believed(book, tmp_path, monkeypatch):
    book.put(MLP, POINTS[0], *DIGITS, "a" * 64)
    monkeypatch.setattr(of_aliases, "code_digest", lambda: "another")
    assert AliasBook(tmp_path).get(MLP, POINTS[0], *DIGITS) is None


def test_the_digest_is_another_when_the_code_is(tmp_path, monkeypatch):
    real = of_aliases.code_digest()
    package = tmp_path / "jitnas_fn"
    for room in of_aliases.ROOMS:
        (package / room).mkdir(parents=True)
        (package / room / "a.py").write_text("one")
    monkeypatch.setattr(of_aliases.resources, "files", lambda name: package)
    digests = {of_aliases.code_digest.__wrapped__()}
    for room in of_aliases.ROOMS:
        (package / room / "a.py").write_text("two")
        digests.add(of_aliases.code_digest.__wrapped__())
    assert len(digests | {real}) == 5
    assert {"core", "graphs", "spaces"} <= set(of_aliases.ROOMS)


@pytest.mark.parametrize("harm", ["point", "fingerprint", "cut", "garbage"])
def test_a_line_that_was_changed_is_not_believed(book, tmp_path, harm):
    book.put(MLP, POINTS[0], *DIGITS, built(MLP, POINTS[0]))
    (file,) = tmp_path.iterdir()
    line = file.read_text().strip()
    other = MLP.written(next(point for point in POINTS if point != POINTS[0]))
    changed = {
        "point": line.replace(MLP.written(POINTS[0]), other),
        "fingerprint": line[:9] + ("0" if line[9] != "0" else "1") + line[10:],
        "cut": line[:-3],
        "garbage": "\x00\xff" * 50,
    }[harm]
    assert changed != line
    file.write_text(f"\n{changed}\n")
    fresh = AliasBook(tmp_path)
    assert list(fresh.known(MLP, *DIGITS)) == []


def test_spaces_that_are_not_on_the_shelf_have_none(book):
    """Another depth is another network, though class, name and points are the same."""
    other = Darts(layers=8)
    point = DARTS.sample(random.Random(0))
    book.put(DARTS, point, *DIGITS, "a" * 64)
    assert book.get(other, point, *DIGITS) is None
    book.put(other, point, *DIGITS, "b" * 64)
    assert book.get(DARTS, point, *DIGITS) == "a" * 64
    assert list(book.known(other, *DIGITS)) == []


def test_a_part_of_a_space_has_those_of_the_whole(book):
    book.put(MLP, POINTS[0], *DIGITS, built(MLP, POINTS[0]))
    part = Listed(MLP, POINTS)
    assert book.get(part, POINTS[0], *DIGITS) == built(MLP, POINTS[0])


def test_a_folder_that_cannot_be_written_to_costs_no_more_than_time(tmp_path):
    (tmp_path / "file").write_text("")
    book = AliasBook(tmp_path / "file")
    book.put(MLP, POINTS[0], *DIGITS, "a" * 64)
    assert book.get(MLP, POINTS[0], *DIGITS) == "a" * 64


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "imagenet16_120"])
def test_shipped_aliases_are_what_is_built(dataset):
    """Two hundred points drawn anew at each run, those of the largest networks among them; all of them build them anew."""
    card, book = card_named(dataset), AliasBook(None)
    of = (card.input_shape, card.outputs)
    points = list(itertools.product(range(5), repeat=6))
    names = [book.get(NB201, point, *of) for point in points]
    assert None not in names
    assert len(set(names)) == 5_485
    drawn = random.SystemRandom().sample(points, 200)
    wrong = [point for point in drawn if built(NB201, point, of) != book.get(NB201, point, *of)]
    assert wrong == []


def test_shipped_aliases_are_of_the_networks_that_are_equal_for_all_datasets():
    book = AliasBook(None)
    points = list(itertools.product(range(5), repeat=6))
    groups = set()
    for dataset in ("cifar10", "cifar100", "imagenet16_120"):
        card, seen = card_named(dataset), {}
        names = [book.get(NB201, point, card.input_shape, card.outputs) for point in points]
        groups.add(tuple(seen.setdefault(name, len(seen)) for name in names))
    assert len(groups) == 1


def test_a_space_is_the_whole_of_itself():
    assert isinstance(MLP, Space)
    assert MLP.whole is MLP


def test_what_is_torn_harms_no_line_after_it(book, tmp_path):
    book.put(MLP, POINTS[0], *DIGITS, built(MLP, POINTS[0]))
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text() + "0123")  # and here somebody was killed
    book.put(MLP, POINTS[1], *DIGITS, built(MLP, POINTS[1]))
    fresh = AliasBook(tmp_path)
    assert [fresh.get(MLP, point, *DIGITS) for point in POINTS[:2]] == [built(MLP, point) for point in POINTS[:2]]


def test_what_is_built_while_the_code_on_the_disk_is_another_is_kept_by_nobody(book, tmp_path, monkeypatch):
    """As where a package is upgraded under a notebook: this process still builds as it did, under a digest not its own."""
    book.put(MLP, POINTS[0], *DIGITS, built(MLP, POINTS[0]))
    monkeypatch.setattr(of_aliases, "_LOADED", [("/somewhere/mlp.py", 1, 2)])
    changed = AliasBook(tmp_path)
    changed.put(MLP, POINTS[1], *DIGITS, "a" * 64)
    assert changed.get(MLP, POINTS[1], *DIGITS) == "a" * 64  # here, and nowhere else
    assert changed.get(MLP, POINTS[0], *DIGITS) is None
    monkeypatch.undo()
    assert AliasBook(tmp_path).get(MLP, POINTS[1], *DIGITS) is None
    assert AliasBook(tmp_path).get(MLP, POINTS[0], *DIGITS) == built(MLP, POINTS[0])


def test_a_file_that_changes_is_seen(tmp_path, monkeypatch):
    assert of_aliases.is_as_loaded()
    monkeypatch.setattr(of_aliases, "_stamps", lambda: [*of_aliases._LOADED, ("new.py", 1, 1)])
    assert not of_aliases.is_as_loaded()


def test_a_space_off_the_shelf_that_is_asked_first_hides_nothing(book):
    book.put(DARTS, DARTS.sample(random.Random(0)), *DIGITS, "a" * 64)
    fresh = AliasBook(book._folder)
    assert fresh.get(Darts(layers=8), DARTS.sample(random.Random(0)), *DIGITS) is None
    assert fresh.get(DARTS, DARTS.sample(random.Random(0)), *DIGITS) == "a" * 64


def test_of_a_part_of_a_space_what_is_known_lies_in_it(book):
    book.extend(MLP, [(point, built(MLP, point)) for point in POINTS], *DIGITS)
    assert [point for point, _ in book.known(Listed(MLP, POINTS[:1]), *DIGITS)] == POINTS[:1]
