"""Cold `jitnas lookup KEY` in a process of its own: at most 0.5 s, and without torch. Printed against a bare interpreter."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from jitnas_fn.stores.tinydb import TinyStore  # noqa: E402
from tests.samples import a_record  # noqa: E402

BAR_SECONDS, PAIRS, RECORDS = 0.5, 9, 500


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "JITNAS_HOME": home}
        store = TinyStore(Path(home) / "cache.jsonl")
        for number in range(RECORDS):
            store.put(a_record(number))
        command = ["-m", "jitnas_fn", "lookup", a_record(RECORDS // 2).key, "--json"]
        seconds(command, environment)  # byte code is compiled once
        pairs = [(seconds(command, environment), seconds(["-c", "pass"], environment)) for _ in range(PAIRS)]
        imported = subprocess.run(
            [sys.executable, "-X", "importtime", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    lookup, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    heavy = [name for name in ("torch", "numpy", "globus_compute_sdk") if f" {name}\n" in imported]
    ok = lookup <= BAR_SECONDS and not heavy
    print(
        f"cold lookup of a key among {RECORDS} records: {lookup:.3f} s (bar {BAR_SECONDS} s), {lookup / bare:.1f} x a bare "
        f"interpreter, imports of torch or numpy: {heavy or 'none'} {'ok' if ok else 'MISSED'}"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
