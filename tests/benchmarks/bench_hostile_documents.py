"""Documents that may be hostile: each is refused with a typed error, soon and in little memory, or it is a network that runs.

Networks grown at random from the table of operations, and the frozen ones, are mutated in their structure and in their bytes.
What `Architecture.from_json` accepts must read back to the same fingerprint, and, where it is small, build and give the shape
it promises. A failure is made smaller before it is printed. The work is done in a child process of limited memory, which is
killed when it says nothing for two minutes.

Usage: bench_hostile_documents.py [--seconds N] [--seed N]
"""

import argparse
import contextlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from jitnas_fn.core.errors import DocumentError, JitnasError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.opset import OPERATIONS
from tests.graphs.documents.growing import grown
from tests.graphs.documents.mutating import mutated
from tests.graphs.documents.named import NAMED
from tests.graphs.documents.promises import guarded, told
from tests.graphs.documents.shrinking import kind_of, smaller

SILENCE_SECONDS = 120
CHILD_BYTES = 3 * 2**30  # of the child's address space


def seeds(draw: random.Random) -> list[Any]:
    """Valid documents: the frozen networks that are pictures, and grown ones."""
    from tests.golden.models import IMAGE, MODELS

    found = []
    for builder in MODELS.values():
        with contextlib.suppress(Exception):  # networks with other inputs
            found.append(Architecture.from_module(builder, input_shape=IMAGE, validate=False).document)
    while len(found) < len(MODELS) + 150:
        with contextlib.suppress(DocumentError):
            found.append(Architecture.from_graph(grown(draw)).document)
    return found


def said(**what: Any) -> None:
    """One line of JSON for the parent."""
    print(json.dumps(what), flush=True)


def named_cases() -> None:
    """Try each, and say how it ended and how long it took."""
    for name, made in NAMED.items():
        began, (outcome, what) = time.process_time(), guarded(made())
        said(named=name, outcome=outcome, seconds=round(time.process_time() - began, 2))
        if outcome == "FAILED":
            said(what=f"{name}: {what}", text="")


def made(draw: random.Random, known: list[Any], *, fresh: bool) -> str | None:
    """The text of a network that was grown, or of one that is known, mutated; None where none came about."""
    try:
        return (
            Architecture.from_graph(grown(draw)).to_json() if fresh else mutated(draw, draw.choice(known), draw.choice(known))
        )
    except JitnasError:
        return None
    except Exception as error:  # noqa: BLE001
        said(what=f"making a document raised {told(error)}", text="")
        return None


def child(seconds: float, seed: int, current: Path) -> None:
    """Try documents for so long; a line of JSON for each failure, now and then, and at the end."""
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    named_cases()
    draw, counts, ops, failures = random.Random(seed), Counter[str](), set[str](), Counter[str]()
    known, end, spoken = seeds(draw), time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < end:
        fresh = draw.random() < 0.2
        text = made(draw, known, fresh=fresh)
        if text is None:
            continue
        current.write_text(text, encoding="utf-8", errors="surrogatepass")
        outcome, what = guarded(text)
        if fresh:
            ops.update(node["op"] for node in json.loads(text)["nodes"])
            if outcome == "refused":
                outcome, what = "FAILED", "its own document is refused"
        counts[outcome] += 1
        if outcome == "FAILED" and failures[kind_of(what)] < 3:
            failures[kind_of(what)] += 1
            said(what=what, text=smaller(text, what))
        if time.monotonic() - spoken > 10:
            spoken = time.monotonic()
            said(counts=counts, ops=sorted(ops))
    said(counts=counts, ops=sorted(ops))


def watched(seconds: float, seed: int, current: Path) -> Iterator[dict[str, Any]]:
    """What the child says; a failure if it dies or falls silent."""
    command = [sys.executable, __file__, "--child", str(current), "--seconds", str(seconds), "--seed", str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    watch = threading.Timer(SILENCE_SECONDS, process.kill)
    watch.start()
    for line in process.stdout:
        watch.cancel()
        watch = threading.Timer(SILENCE_SECONDS, process.kill)
        watch.start()
        yield json.loads(line)
    watch.cancel()
    if process.wait():
        text = current.read_text(encoding="utf-8", errors="surrogatepass") if current.exists() else ""
        yield {"what": f"the process ended with {process.returncode}", "text": text}


def main() -> int:
    """Print counts and failures; 1 if anything failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.child:
        child(given.seconds, given.seed, given.child)
        return 0
    total, ops, failures, end, seed = Counter(), set(), 0, time.monotonic() + given.seconds, given.seed
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end - 1:
            counts: Counter[str] = Counter()
            for line in watched(end - time.monotonic(), seed, Path(folder) / "current.json"):
                if "named" in line:
                    print(f"  {line['named']:36} {line['outcome']:8} {line['seconds']:6.2f} s", flush=True)
                elif "what" in line:
                    failures += 1
                    print(f"FAILED: {line['what']}\n  {line['text'][:3000]}", flush=True)
                else:
                    counts = Counter(line["counts"])
                    ops |= set(line["ops"])
            total, seed = total + counts, seed + 1000
    print(f"{total.total():,} documents in {given.seconds:.0f} s: {total['refused']:,} refused, {total['read']:,} read, "
          f"{total['ran']:,} read and run; {failures} failures")  # fmt: skip
    missing = sorted(set(OPERATIONS) - ops)
    print(f"{len(ops)} of {len(OPERATIONS)} operations in networks grown{': not ' + ', '.join(missing) if missing else ''}")
    return 1 if failures or not total["ran"] else 0


if __name__ == "__main__":
    sys.exit(main())
