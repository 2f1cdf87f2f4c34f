"""Inserting 50,000 records one by one into the user's cache: flat as it grows, and far from what TinyDB's own storage takes.

TinyDB's own storage writes the whole file at each insert, so its time for one grows with what is there: that line is fitted
over its first inserts and extended. The ratio to a bare append and sync is printed; what is above it is hashing each record,
checking it and taking the lock.
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

RECORDS, BLOCK, DEFAULT = 50_000, 1_000, 800
FLAT_BAR, DEFAULT_BAR = 2.0, 100.0


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


def default_seconds(path, records):
    """Seconds that TinyDB's own storage takes for the insert after so many, as a line: (at none, more for each)."""
    times = []
    with TinyDB(path) as database:
        for record in records:
            began = time.perf_counter()
            database.insert(record.to_dict())
            times.append(time.perf_counter() - began)
    fit = statistics.linear_regression(range(len(times)), times)
    return fit.intercept, fit.slope


def main():
    with tempfile.TemporaryDirectory() as folder:
        store, bare, ours = TinyStore(Path(folder) / "cache.jsonl"), [], []
        for first in range(0, RECORDS, BLOCK):
            records = [a_record(number) for number in range(first, first + BLOCK)]
            ours.append(seconds_of_puts(store, records))
            if first % (10 * BLOCK) == 0:
                lines = [record.to_json().encode() + b"\n" for record in records]
                bare.append((seconds_of_bare(Path(folder) / "bare", lines), ours[-1]))
        first, more = default_seconds(Path(folder) / "default.json", [a_record(number) for number in range(DEFAULT)])
    default = RECORDS * first + more * RECORDS**2 / 2
    flat, gain = ours[-1] / ours[0], default / sum(ours)
    ratio = statistics.median(one / other for other, one in bare)
    ok = flat <= FLAT_BAR and gain >= DEFAULT_BAR
    print(f"{RECORDS:,} inserts one by one: {sum(ours):.1f} s, {ratio:.1f}x a bare append and sync")
    print(f"the last 1,000 against the first 1,000: {flat:.2f}x (at most {FLAT_BAR:g}x)")
    print(f"TinyDB's own storage: {default / 3600:.1f} h, extended from {DEFAULT}; {gain:,.0f}x (at least {DEFAULT_BAR:g}x)")
    print("ok" if ok else "MISSED")
    sys.exit(not ok)


if __name__ == "__main__":
    main()
