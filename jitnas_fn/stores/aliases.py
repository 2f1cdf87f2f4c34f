"""Fingerprints of points of search spaces that were built before: a look-up needs no more, and to build takes milliseconds.

Only what this package ships, and what this machine has built itself with the very same code, is believed: nothing in a
fingerprint tells that it is another point's, so a wrong one would be a wrong hit. So aliases are no entries of stores, which
are shared. `<space>-<shape>-<outputs>-<digest of the code>.txt` has a line `<check> <fingerprint> <point as it is written>`
for each.
"""

import contextlib
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import PointError, UnknownName
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.space import Point, Space

LINE = re.compile(r"([0-9a-f]{8}) ([0-9a-f]{64}) (.+)")
ROOMS = ("core", "graphs", "spaces")  # whose code decides what a point's fingerprint is
Place = tuple[str, tuple[int, ...], int]


class AliasBook:
    """Aliases of the spaces on the shelf; of others none are kept.

    Parameters
    ----------
    folder
        Where those are that this machine has built; None to keep them in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[Place, dict[Point, str]] = {}

    def get(self, space: Space, point: Point, input_shape: tuple[int, ...], outputs: int) -> str | None:
        """The fingerprint of a point; None if it is not known."""
        return self._of(space, (space.name, input_shape, outputs)).get(point)

    def _of(self, space: Space, place: Place) -> dict[Point, str]:
        """All that is known of a space; nothing of one that is not on the shelf."""
        if not _is_on_the_shelf(space):
            return {}
        if place not in self._known:
            self._known[place] = self._read(space, place)
        return self._known[place]

    def put(self, space: Space, point: Point, input_shape: tuple[int, ...], outputs: int, fingerprint: str) -> None:
        """Keep what was found by building."""
        self.extend(space, [(point, fingerprint)], input_shape, outputs)

    def extend(self, space: Space, pairs: Sequence[tuple[Point, str]], input_shape: tuple[int, ...], outputs: int) -> None:
        """Keep many. Where the folder cannot be written to, they are kept in memory."""
        if not pairs or not _is_on_the_shelf(space):
            return
        place = (space.name, input_shape, outputs)
        self._of(space, place).update(pairs)
        if self._folder is not None and is_as_loaded():
            lines = "".join(_line(fingerprint, space.written(point)) for point, fingerprint in pairs)
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                _append(self._file(place), lines)

    def known(self, space: Space, input_shape: tuple[int, ...], outputs: int) -> Iterator[tuple[Point, str]]:
        """All points of a space that are known, with their fingerprints."""
        for point, fingerprint in sorted(self._of(space, (space.name, input_shape, outputs)).items()):
            with contextlib.suppress(PointError):  # of a part of a space, what lies in it
                space.check(point)
                yield point, fingerprint

    def _read(self, space: Space, place: Place) -> dict[Point, str]:
        found = dict(_shipped(space, place))
        if self._folder is None or not is_as_loaded():
            return found
        with contextlib.suppress(OSError):
            for line in self._file(place).read_text("utf-8", errors="replace").splitlines():
                match = LINE.fullmatch(line)
                if match and match[1] == _check(match[2], match[3]):
                    with contextlib.suppress(PointError):
                        found[space.read(match[3])] = match[2]
        return found

    def _file(self, place: Place) -> Path:
        assert self._folder is not None
        name, shape, outputs = place
        return self._folder / f"{name}-{'x'.join(map(str, shape))}-{outputs}-{code_digest()[:16]}.txt"


def _files() -> list[Path]:
    package = Path(str(resources.files("jitnas_fn")))
    return [path for room in ROOMS for path in sorted((package / room).rglob("*.py"))]


def _stamps() -> list[tuple[str, int, int]]:
    """What the files of that code are known by: path, size and time of the last change."""
    stats = [(path, path.stat()) for path in _files()]
    return [(str(path), status.st_size, status.st_mtime_ns) for path, status in stats]


def is_as_loaded() -> bool:
    """Whether the code on the disk, which the digest is of, is still what this process has loaded.

    A package may be upgraded under a living process: what that builds is of its old code.
    """
    code_digest()  # first: what changes while it is computed is seen by what follows
    try:
        return _stamps() == _LOADED
    except OSError:
        return False


@cache
def code_digest() -> str:
    """SHA-256 of the code that decides what a point's fingerprint is: nothing that another one has built is believed."""
    found, package = hashlib.sha256(), Path(str(resources.files("jitnas_fn")))
    for path in _files():
        found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


_LOADED = _stamps()


def _shipped(space: Space, place: Place) -> Iterator[tuple[Point, str]]:
    """What comes with the package: fingerprints of each network, and the network of each point in their order."""
    name, shape, outputs = place
    file = resources.files("jitnas_fn.spaces") / "_aliases" / f"{name}-{'x'.join(map(str, shape))}-{outputs}.json"
    whole = space.whole
    if not file.is_file() or not isinstance(whole, Choices):
        return
    fields = json.loads(file.read_text("ascii"))
    names, numbers = fields["fingerprints"], fields["networks"]
    points = itertools.product(*(range(len(options)) for options in whole.options))
    yield from zip(points, map(names.__getitem__, numbers), strict=True)


def _is_on_the_shelf(space: Space) -> bool:
    """Whether it is the one that its name stands for, or a part of it: another of the same class may build other networks."""
    return _on_the_shelf(space.name) is space.whole


@cache
def _on_the_shelf(name: str) -> object:
    """The space that a name stands for; None if there is none."""
    try:
        return shelf.take("spaces", name).SPACE
    except UnknownName:
        return None


def _line(fingerprint: str, written: str) -> str:
    return f"{_check(fingerprint, written)} {fingerprint} {written}\n"


def _check(fingerprint: str, written: str) -> str:
    return hashlib.sha256(f"{fingerprint} {written}".encode()).hexdigest()[:8]


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, b"\n" + text.encode())
    finally:
        os.close(descriptor)
