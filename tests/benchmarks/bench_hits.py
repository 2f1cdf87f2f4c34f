"""Ten thousand hits through `client.map`: at most 2 s. Printed against looking the same keys up in the store alone.

Once with the user's cache alone, and once with a shared store behind it to which 300 others are just writing.
"""

import secrets
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jitnas_fn import Architecture, Client  # noqa: E402
from jitnas_fn.client.request import understood  # noqa: E402
from jitnas_fn.core.entry import record_entry  # noqa: E402
from jitnas_fn.graphs.graph import Graph  # noqa: E402
from jitnas_fn.stores.layered import LayeredStore  # noqa: E402
from jitnas_fn.stores.memory import MemoryStore  # noqa: E402
from jitnas_fn.stores.reachable import ReachableStore  # noqa: E402
from jitnas_fn.stores.segments import SegmentStore  # noqa: E402
from jitnas_fn.stores.tinydb import TinyStore  # noqa: E402
from tests.samples import SALT, a_record, sealed_with  # noqa: E402

MODELS, SEEDS, BAR_SECONDS, RUNS = 10, 1_000, 2.0, 3
WRITERS, EACH, LOOK_SECONDS = 300, 10, 1.0


def architecture(width: int) -> Architecture:
    """One hidden layer."""
    graph = Graph()
    x = graph.add("reshape", [("x", graph.input((1, 8, 8), "float32"))], {"shape": [-1, 64]})
    for size_in, size_out in ((64, width), (width, 10)):
        weight = graph.parameter((size_out, size_in), {"uniform": [-0.1, 0.1]})
        x = graph.add("linear", [("x", x), ("weight", weight)], {})
    graph.outputs = [x]
    return Architecture.from_graph(graph)


def record_of(task):
    """A record of a task, that nobody trained."""
    import dataclasses

    like = a_record(fixed_salt=SALT)
    about = {**like.dataset, "name": task.dataset}
    return sealed_with(
        dataclasses.replace(like, key=task.key, parts=task.parts, dataset=about, recipe=task.recipe.to_dict()), SALT
    )


def shared(folder: Path) -> ReachableStore:
    """A store on shared storage, with as many open segments as a class has writers."""
    segments = folder / "segments"
    segments.mkdir(parents=True)
    for writer in range(WRITERS):
        entries = [record_entry(a_record(writer * EACH + number, fixed_salt=SALT)) for number in range(EACH)]
        lines = "".join(entry.to_json() + "\n" for entry in entries)
        (segments / f"{secrets.token_hex(16)}.jsonl").write_text(lines)
    return ReachableStore(lambda: SegmentStore(folder, look_seconds=LOOK_SECONDS))


def timed(store: LayeredStore, what: str) -> bool:
    """Whether ten thousand hits take no longer than they may."""
    models, asked = [architecture(width) for width in range(4, 4 + MODELS)], {"dataset": "digits", "recipe": "quick"}
    requests = [understood(model, **asked).with_seed(seed) for model in models for seed in range(SEEDS)]
    store.extend(record_entry(record_of(request.task)) for request in requests)
    keys, times, alone = [request.task.key for request in requests], [], []
    for _ in range(RUNS):
        with Client(store=store) as client:
            began = time.perf_counter()
            found = client.map(models, seeds=range(SEEDS), **asked)
            times.append(time.perf_counter() - began)
            assert {evaluation.source for evaluation in found} == {"cache"}
        began = time.perf_counter()
        assert all(store.replicates(key) for key in keys)
        alone.append(time.perf_counter() - began)
    ok = min(times) <= BAR_SECONDS
    print(
        f"{len(keys):,} hits through client.map, {what}: {min(times):.2f} s (bar {BAR_SECONDS:g} s), "
        f"{min(times) / min(alone):.2f}x looking the keys up alone {'ok' if ok else 'MISSED'}"
    )
    return ok


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        alone = LayeredStore([TinyStore(Path(folder) / "alone.jsonl"), MemoryStore()])
        classmates = LayeredStore([TinyStore(Path(folder) / "with.jsonl"), MemoryStore(), shared(Path(folder) / "shared")])
        done = [timed(alone, "the cache alone"), timed(classmates, f"{WRITERS} open segments behind it")]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
