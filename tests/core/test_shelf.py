"""Names become things: a file on a shelf is public under its own name."""

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import UnknownName


def test_a_shelf_lists_its_files_but_those_with_an_underscore():
    assert {"memory", "tinydb", "snapshot", "layered"} <= set(shelf.names("stores"))
    assert not any(name.startswith("_") for name in shelf.names("stores"))
    assert shelf.names("stores") == sorted(shelf.names("stores"))


def test_a_file_is_taken_by_its_name():
    assert shelf.take("stores", "memory").__name__ == "jitnas_fn.stores.memory"


@pytest.mark.parametrize("name", ["nonsense", "", "_index", "memory.MemoryStore", "../core/task", "os", "a" * 10_000, None, 7])
def test_another_name_is_refused_and_those_there_are_listed(name):
    with pytest.raises(UnknownName, match="in stores; there are .*memory"):
        shelf.take("stores", name)
