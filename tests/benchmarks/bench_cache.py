"""Inserting one by one into the user's cache: flat as it grows, and far from what TinyDB's own storage takes.

The ratio to a bare append and sync is printed; what is above it is hashing and verifying each record and taking the lock.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tinydb import TinyDB

from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import a_record

BLOCK, BLOCKS = 200, 20
FLAT_BAR, DEFAULT_BAR = 2.0, 10.0


def seconds_of_puts(store, records):
    began = time.perf_counter()
    for record in records:
        store.put(record)
    return time.perf_counter() - began


def seconds_of_bare(path, lines):
    began = time.perf_counter()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for line in lines:
        os.write(descriptor, line)
        os.fsync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - began


def seconds_of_default(path, records):
    with TinyDB(path) as database:
        began = time.perf_counter()
        for record in records:
            database.insert(record.to_dict())
        return time.perf_counter() - began


def main():
    with tempfile.TemporaryDirectory() as folder:
        store, bare, ours = TinyStore(Path(folder) / "cache.jsonl"), [], []
        for block in range(BLOCKS):
            records = [a_record(number) for number in range(block * BLOCK, (block + 1) * BLOCK)]
            lines = [record.to_json().encode() + b"\n" for record in records]
            bare.append(seconds_of_bare(Path(folder) / "bare", lines))
            ours.append(seconds_of_puts(store, records))
        default = seconds_of_default(Path(folder) / "default.json", [a_record(number) for number in range(600)]) / 600 * BLOCK
    flat = statistics.median(ours[-5:]) / statistics.median(ours[:5])
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    gain = default / statistics.median(ours)
    print(f"one insert: {1e3 * statistics.median(ours) / BLOCK:.2f} ms, {ratio:.1f}× a bare append and sync")
    print(f"the last 1,000 of {BLOCK * BLOCKS:,} against the first 1,000: {flat:.2f}× (at most {FLAT_BAR}×)")
    print(f"TinyDB's own storage, over its first 600: {gain:.0f}× slower (at least {DEFAULT_BAR:.0f}×)")
    sys.exit(flat > FLAT_BAR or gain < DEFAULT_BAR)


if __name__ == "__main__":
    main()
