"""Standard output holds the answer alone: what a model's file, a library or a child prints goes to standard error."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from jitnas_fn.core.codec import Json, canonical


class Answer:
    """Where a command gives its answer.

    Parameters
    ----------
    stream
        Standard output as it was when the command began.
    as_json
        Whether the user asked for JSON.
    """

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream, self._as_json = stream, as_json

    def give(self, fields: Json, *, text: str) -> None:
        """Print `fields` as one line of JSON if that was asked for, else `text`."""
        self._stream.write(f"{canonical(fields) if self._as_json else text}\n")
        self._stream.flush()


@contextlib.contextmanager
def answering(*, as_json: bool) -> Iterator[Answer]:
    """Keep standard output for the answer until the end of the block."""
    outside = sys.stdout
    outside.flush()
    sys.stdout = sys.stderr
    try:
        with _own_descriptor(outside) as stream:
            yield Answer(stream, as_json=as_json)
    finally:
        sys.stdout = outside


def silence_stdout() -> None:
    """From now on, what is printed goes to standard error; for the end of the process."""
    sys.stdout.flush()
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):
        os.dup2(2, 1)


@contextlib.contextmanager
def _own_descriptor(outside: TextIO) -> Iterator[TextIO]:
    """A stream to where `outside` leads, while descriptor 1, which libraries and children write to, leads to standard error."""
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # a process without standard streams
        yield outside
        return
    try:
        if _leads_to_descriptor_1(outside):
            with os.fdopen(kept, "w", encoding="utf-8", newline="\n", closefd=False) as stream:
                yield stream
        else:  # a test or a notebook has put something of its own in its place
            yield outside
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _leads_to_descriptor_1(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):
        return False
