"""What our executor costs on top of the SDK's, through a service on loopback: messages, latency, look-ups, a lost process.

Both talk to the same process of the same endpoint, which `jitnas site init laptop` has configured, and call the same function.
The endpoint, and the SDK too, look for answers every half second: one alone takes 0.2 to 0.7 s, as it happens to fall between
these looks. So rounds of both sides begin at the same places between them.
"""

import logging
import os
import signal
import statistics
import sys
import time
from concurrent.futures import Executor, Future, wait
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from jitnas_fn import Client, Recipe
from jitnas_fn.backends.globus_compute import globus_compute
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task
from tests.benchmarks.laptop_endpoint import LaptopEndpoint, laptop_endpoint, obstacle
from tests.benchmarks.side import Side
from tests.samples import fixed
from tests.site.training.models import at_epoch, small

PING = Envelope("ping", {}).to_json()
MESSAGES, ROUNDS = 2_000, 5
BATCHES = (500, 1_000, 2_000)  # messages of the SDK in a request; the best is the baseline
REST_SECONDS = 10.0  # between our rounds: then no earlier request slows a round down
SINGLES, APART_SECONDS = 16, 1.2  # neither our pace, nor the SDK's, nor the service's limit bites at this distance
KEYS, LOOKUPS = 1_000, 4
LOST, BAR_SECONDS, LONGEST_SECONDS = 10, 30.0, 35.0
BUSY = {"dataset": "digits", "recipe": Recipe(name="busy", epochs=120, batch_size=16, learning_rate=0.02)}  # some seconds


def verdict(ok: bool) -> str:
    return "ok" if ok else "MISSED"


def best_batching(theirs: Side, bare: Executor) -> int:
    """How many messages the SDK should take into one request."""
    found = {}
    for bare.batch_size in BATCHES:
        found[bare.batch_size] = theirs.seconds([PING] * MESSAGES, place=0.5)[0]
    return min(found, key=found.get)


def many(ours: Side, theirs: Side, bare: Executor) -> None:
    bare.batch_size = best_batching(theirs, bare)
    pairs = [
        tuple(side.seconds([PING] * MESSAGES, place=number / ROUNDS, spacing=REST_SECONDS)[0] for side in (ours, theirs))
        for number in range(ROUNDS)
    ]
    mine, other = (statistics.mean(side) for side in zip(*pairs, strict=True))
    shares = [of_bare / own for own, of_bare in pairs]
    share = other / mine
    print(
        f"{MESSAGES:,} pings: {MESSAGES / mine:.0f}/s, bare SDK with {bare.batch_size:,} a request {MESSAGES / other:.0f}/s: "
        f"{share:.0%}, rounds {min(shares):.0%} to {max(shares):.0%} (bar 80%) {verdict(share >= 0.8)}",
        flush=True,
    )


def single(ours: Side, theirs: Side) -> None:
    pairs = [
        tuple(side.seconds([PING], place=number / SINGLES, spacing=APART_SECONDS)[0] for side in (ours, theirs))
        for number in range(SINGLES)
    ]
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = mine / other
    print(
        f"one ping alone: {mine:.3f} s, bare SDK {other:.3f} s: {ratio:.2f}x (bar 1.2x) {verdict(ratio <= 1.2)}; "
        f"means {statistics.mean(one for one, _ in pairs):.3f} s and {statistics.mean(one for _, one in pairs):.3f} s",
        flush=True,
    )


def look_ups(endpoint: LaptopEndpoint, ours: Side, theirs: Side) -> None:
    """All keys are known at the site."""
    records = [fixed(number) for number in range(KEYS)]
    endpoint.keep(records)
    together = [Envelope("lookup", {"keys": [record.key for record in records]}).to_json()]
    alone = [Envelope("lookup", {"keys": [record.key]}).to_json() for record in records]
    pairs, requests = [], []
    for number in range(LOOKUPS):
        before = endpoint.submits()
        mine, (told,) = ours.seconds(together, place=number / LOOKUPS, spacing=APART_SECONDS)
        requests.append(endpoint.submits() - before)
        found = [one["record"]["record_id"] for one in Envelope.from_json(told).body["results"]]
        assert found == [record.record_id for record in records]
        pairs.append((mine, theirs.seconds(alone, place=number / LOOKUPS)[0]))
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(
        f"look-ups of {KEYS:,} keys in one message: {KEYS / mine:.0f} keys/s in {max(requests)} request "
        f"{verdict(set(requests) == {1})}; bare SDK, a message for each key, sent together: {KEYS / other:.0f} keys/s: "
        f"{other / mine:.1f}x as fast",
        flush=True,
    )


def lost(endpoint: LaptopEndpoint, executor: Executor, bare: Executor) -> None:
    """Messages wait behind a training when the process that has them is killed."""
    evaluation = Client(store=MemoryStore(), executor=executor).submit(small, **BUSY)
    at_epoch(evaluation, 1)
    mine = [executor.submit(run_task, PING) for _ in range(LOST)]
    theirs = [bare.submit_to_registered_function(endpoint.function, args=(PING,)) for _ in range(LOST)]
    endpoint.wait_until_taken("train", 2 * LOST + 1)
    assert not any(one.done() for one in (evaluation, *mine, *theirs))
    os.kill(endpoint.user_endpoint("train"), signal.SIGKILL)
    killed, answered, failed = time.time(), [], []
    for reply in mine:
        reply.add_done_callback(lambda done: (failed if done.exception() else answered).append(time.time() - killed))
    process = endpoint.seconds_to_life("train", since=killed, longest=LONGEST_SECONDS)
    wait(mine, max(0.0, killed + LONGEST_SECONDS - time.time()))
    evaluation.cancel()
    first, last = min(answered, default=LONGEST_SECONDS), max(answered, default=LONGEST_SECONDS)
    ok = len(answered) == LOST and max(process, first) <= BAR_SECONDS
    print(
        f"kill -9 of a process with {2 * LOST + 1} messages: another one lives after {in_words(process)}, "
        f"the first answer comes after {in_words(first)} (bar {BAR_SECONDS:g} s), all {len(answered)} of {LOST} after "
        f"{in_words(last)} {verdict(ok)}; the bare SDK, which does nothing, has {sum(map(is_answered, theirs))} of {LOST} by "
        "then, and would wait for ever",
        flush=True,
    )
    if failed:
        print(f"  the others ended with {next(str(one.exception()) for one in mine if one.exception()):.240}", flush=True)


def in_words(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < LONGEST_SECONDS else f"more than {LONGEST_SECONDS:g} s"


def is_answered(reply: Future) -> bool:
    return reply.done() and not reply.cancelled() and reply.exception() is None


def main() -> None:
    with laptop_endpoint() as endpoint, endpoint.bare("control") as control, endpoint.bare("train") as train:
        executor = globus_compute(endpoint.id)
        ours = Side(lambda text: executor.control.submit(run_task, text))
        theirs = Side(lambda text: control.submit_to_registered_function(endpoint.function, args=(text,)))
        for side in (ours, theirs):
            side.seconds([PING], place=0.0)
        many(ours, theirs, control)
        single(ours, theirs)
        look_ups(endpoint, ours, theirs)
        lost(endpoint, executor, train)
        executor.shutdown(wait=False)


logging.getLogger("jitnas_fn").setLevel(logging.CRITICAL)  # what is lost is printed
if reason := obstacle():
    print(f"there can be no endpoint here: {reason}")
    sys.exit()
main()
