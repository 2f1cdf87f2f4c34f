"""Verifying a file of lines, and whether its bytes are those that a catalogue states."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from jitnas_fn.stores._disk import next_line
from jitnas_fn.stores._findings import Findings
from jitnas_fn.stores._progress import Meter
from jitnas_fn.stores.careful import BLOCK_BYTES
from jitnas_fn.stores.catalogue import Chunk

Passed = Callable[[int, bytes], bool]


def take_lines(file: BinaryIO, name: object, findings: Findings, *, meter: Meter, passed: Passed | None = None) -> None:
    """Verify every line from the beginning on, and count what follows the last newline as torn.

    Parameters
    ----------
    file, name
        The file and how it is called.
    findings
        Where to.
    meter
        Told how far it has come.
    passed
        Of a line's number, from 1, and content whether it is no entry and rightly there.
    """
    number = end = 0
    while line := next_line(file):
        content, length = line
        number += 1
        end += length
        meter.advance(length)
        if passed is None or not passed(number, content):
            findings.take(name, number, content)
    size = file.seek(0, io.SEEK_END)
    findings.count("files")
    findings.count("bytes", size)
    if size > end:
        findings.count("torn")


def differing(file: BinaryIO, begins: int, chunks: Iterable[Chunk], *, meter: Meter) -> Iterator[str]:
    """What is wrong with neighbouring chunks of a file, in words.

    Parameters
    ----------
    file, begins
        The file and where the first chunk begins. [bytes]
    chunks
        As stated.
    meter
        Told how far it has come.
    """
    file.seek(begins)
    for chunk in chunks:
        found, left = hashlib.sha256(), chunk.bytes
        while left and (block := file.read(min(left, BLOCK_BYTES))):
            found.update(block)
            left -= len(block)
            meter.advance(len(block))
        if left:
            yield f"it ends {left:,} bytes before the {chunk.bytes:,} from byte {begins:,} on that the catalogue states"
            return
        if found.hexdigest() != chunk.sha256:
            yield f"{chunk.bytes:,} bytes from byte {begins:,} on are not those whose sha256 the catalogue states"
        begins += chunk.bytes
