"""A cache of 100,000 records: opened, looked up in, asked from the command line, with an index on disk and without.

Each is a process of its own. Printed against reading the same lines into a dictionary of parsed records.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jitnas_fn.core.entry import record_entry  # noqa: E402
from jitnas_fn.stores.tinydb import TinyStore  # noqa: E402
from tests.samples import SALT, a_record  # noqa: E402

RECORDS, LOOKUPS, BATCH, COLD = 100_000, 2_000, 5_000, 5
OPEN_BAR_SECONDS, MEMORY_BAR_MIB, LOOKUP_BAR_MICROSECONDS, COLD_BAR_SECONDS = 2.0, 400, 100, 0.5

OPENED = """
import json, re, resource, sys, time
from pathlib import Path
from jitnas_fn.stores.tinydb import TinyStore
keys = json.load(open(sys.argv[2]))
began = time.perf_counter()
store = TinyStore(sys.argv[1])
opened = time.perf_counter() - began
for key in keys:
    assert store.get(key)
times = []
for _ in range(3):
    began = time.perf_counter()
    for key in keys:
        store.get(key)
    times.append((time.perf_counter() - began) / len(keys))
status = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0
memory = int(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024
print(json.dumps([opened, min(times), memory]))
"""
PARSED = """
import json, sys, time
began = time.perf_counter()
with open(sys.argv[1]) as file:
    found = {}
    for line in file:
        record = json.loads(line)["record"]
        found[record["key"]] = record
print(json.dumps(time.perf_counter() - began))
"""


def told(script: str, *words: object) -> object:
    run = subprocess.run([sys.executable, "-c", script, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def cold_seconds(home: Path, key: str) -> float:
    environment, times = {**os.environ, "JITNAS_HOME": str(home)}, []
    for _ in range(COLD):
        began = time.perf_counter()
        command = [sys.executable, "-m", "jitnas_fn", "lookup", key, "--json"]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.jsonl"
        store = TinyStore(path)
        for first in range(0, RECORDS, BATCH):
            store.extend(record_entry(a_record(number, fixed_salt=SALT)) for number in range(first, first + BATCH))
        keys = Path(folder) / "keys.json"
        step = RECORDS // LOOKUPS
        keys.write_text(json.dumps([a_record(number).key for number in range(0, RECORDS, step)]))
        TinyStore(path)  # brings the index up to date
        indexed = told(OPENED, path, keys)
        cold = cold_seconds(Path(folder), a_record(777).key)
        parsed = told(PARSED, path)
        bare = Path(folder) / "bare"
        bare.mkdir()
        shutil.copy(path, bare / "cache.jsonl")
        without = told(OPENED, bare / "cache.jsonl", keys)
    met = []
    for name, (opened, lookup, memory) in (("with an index", indexed), ("without", without)):
        ok = opened <= OPEN_BAR_SECONDS and memory <= MEMORY_BAR_MIB and lookup * 1e6 <= LOOKUP_BAR_MICROSECONDS
        met.append(ok)
        print(
            f"{RECORDS:,} records, {name:13}: open {opened:.2f} s (bar {OPEN_BAR_SECONDS:g} s), {parsed / opened:.0f}x quicker "
            f"than parsing them; {memory:.0f} MiB (bar {MEMORY_BAR_MIB}); look-up {lookup * 1e6:.0f} µs "
            f"(bar {LOOKUP_BAR_MICROSECONDS}) {'ok' if ok else 'MISSED'}"
        )
    met.append(cold <= COLD_BAR_SECONDS)
    print(f"`jitnas lookup KEY` cold: {cold:.2f} s (bar {COLD_BAR_SECONDS:g} s) {'ok' if met[-1] else 'MISSED'}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
