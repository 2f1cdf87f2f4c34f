"""The shared store: appending against a bare append and sync, many writers at once, what a reader pays, filling a cache."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jitnas_fn.client.sync import from_url  # noqa: E402
from jitnas_fn.client.synced import Progress, quietly  # noqa: E402
from jitnas_fn.core.entry import record_entry  # noqa: E402
from jitnas_fn.stores._segment import CLOSING  # noqa: E402
from jitnas_fn.stores._writer import SegmentWriter  # noqa: E402
from jitnas_fn.stores.segments import SegmentStore  # noqa: E402
from jitnas_fn.stores.tinydb import TinyStore  # noqa: E402
from tests.samples import a_record, fixed  # noqa: E402

APPENDS, ROUNDS, WRITERS, EACH = 500, 9, 16, 1_000
LARGE, BATCH, NEW = 100_000, 5_000, 100
SESSIONS, SHORT = 2_000, 5
APPEND_BAR, FULL_BAR_SECONDS, NEW_BAR_SECONDS = 0.8, 20.0, 0.3


def bare_seconds(path, lines):
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    began = time.perf_counter()
    for line in lines:
        os.write(descriptor, line)
        os.fsync(descriptor)
    seconds = time.perf_counter() - began
    os.close(descriptor)
    return seconds


def timed(work, items):
    began = time.perf_counter()
    for item in items:
        work(item)
    return time.perf_counter() - began


def appending(folder):
    """Each round: a bare loop, a segment, and whole puts, which hash and check each record."""
    writer, store, rounds = SegmentWriter(folder / "writer" / "segments"), SegmentStore(folder / "puts"), []
    for number in range(ROUNDS):
        records = [a_record(number * APPENDS + one) for one in range(APPENDS)]
        lines = [record_entry(record).to_json().encode() + b"\n" for record in records]
        bare = bare_seconds(folder / "bare", lines)
        rounds.append((bare / timed(lambda line: writer.write([line]), lines), bare / timed(store.put, records)))
    segment, put = (statistics.median(ratios) for ratios in zip(*rounds, strict=True))
    ok = segment >= APPEND_BAR
    print(
        f"appending to a segment: {segment:.0%} of a bare append and sync (at least {APPEND_BAR:.0%}) "
        f"{'ok' if ok else 'MISSED'}"
    )
    print(f"  with hashing and checking each record: {put:.0%}")
    return ok


def many_writers(folder):
    script = ROOT / "tests" / "stores" / "appending.py"
    began = time.perf_counter()
    commands = [[sys.executable, script, folder / "many", str(EACH * number), str(EACH)] for number in range(WRITERS)]
    writers = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    compactions = 0
    while any(writer.poll() is None for writer in writers):
        time.sleep(0.2)
        compactions += SegmentStore(folder / "many").compact(idle_seconds=1.0) is not None
    seconds, kept = time.perf_counter() - began, len(SegmentStore(folder / "many"))
    ok = kept == WRITERS * EACH
    print(
        f"{WRITERS} writers x {EACH:,} records beside {compactions} compactions: {seconds:.1f} s, "
        f"{kept / seconds:,.0f} a second, {kept:,} kept {'ok' if ok else 'MISSED'}"
    )
    return ok


def reading_on(folder):
    reader = SegmentStore(folder / "many")
    _, cursor = reader.since({})
    calls = 200
    seconds = timed(lambda _: reader.since(cursor), range(calls)) / calls
    whole = min(timed(lambda _: SegmentStore(folder / "many").since({}), range(1)) for _ in range(3))
    print(f"since(cursor) with nothing new: {1e6 * seconds:.0f} µs, {whole / seconds:,.0f}x less than everything")


def filling(folder):
    store, cache = SegmentStore(folder / "large"), TinyStore(folder / "home" / "cache.jsonl")
    for first in range(0, LARGE, BATCH):
        store.extend(record_entry(fixed(number)) for number in range(first, first + BATCH))
    store.close()
    store.compact()
    url, progress = str(folder / "large"), Progress(cache)
    began = time.perf_counter()
    done = from_url(url, cache, show=quietly, progress=progress)
    full = time.perf_counter() - began
    read = timed(lambda path: path.read_bytes(), (folder / "large" / "merged").glob("*.jsonl"))
    store.extend(record_entry(fixed(LARGE + number)) for number in range(NEW))
    store.compact()
    began = time.perf_counter()
    more = from_url(url, cache, show=quietly, progress=progress)
    new = time.perf_counter() - began
    ok = (done.new, more.new, len(cache)) == (LARGE, NEW, LARGE + NEW) and full <= FULL_BAR_SECONDS and new <= NEW_BAR_SECONDS
    print(
        f"filling a cache with {LARGE:,} records: {full:.1f} s (bar {FULL_BAR_SECONDS:g} s), "
        f"{full / read:.0f}x reading the files; {NEW} new ones: {new:.2f} s (bar {NEW_BAR_SECONDS:g} s) "
        f"{'ok' if ok else 'MISSED'}"
    )
    return ok


def filling_from_many(folder):
    """A class of people: thousands of short sessions, each a writer of its own."""
    (folder / "class" / "segments").mkdir(parents=True)
    for writer in range(SESSIONS):
        lines = [record_entry(fixed(SHORT * writer + number)).to_json().encode() + b"\n" for number in range(SHORT)]
        (folder / "class" / "segments" / f"{writer:032x}.jsonl").write_bytes(b"".join(lines) + CLOSING)
    SegmentStore(folder / "class").compact()
    cache = TinyStore(folder / "pupil" / "cache.jsonl")
    began = time.perf_counter()
    done = from_url(str(folder / "class"), cache, show=quietly, progress=Progress(cache))
    seconds = time.perf_counter() - began
    ok = done.new == SESSIONS * SHORT and seconds <= FULL_BAR_SECONDS * done.new / LARGE
    print(
        f"filling a cache from {SESSIONS:,} writers x {SHORT} records: {seconds:.2f} s, "
        f"{1e6 * seconds / done.new:.0f} µs a record (bar {1e6 * FULL_BAR_SECONDS / LARGE:.0f} µs) {'ok' if ok else 'MISSED'}"
    )
    return ok


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        met = [appending(folder), many_writers(folder)]
        reading_on(folder)
        met += [filling(folder), filling_from_many(folder)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
