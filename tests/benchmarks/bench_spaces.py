"""Points of NAS-Bench-201 a second: drawn and mutated, against the least that Python does for the same six choices.

The baseline draws six numbers below five from the same generator, and nothing else. Bar: 20,000 points a second.
"""

import random
import time

from jitnas_fn.spaces.nasbench201 import SPACE

COUNT, ROUNDS, LEAST = 100_000, 5, 20_000


def seconds(work):
    began = time.perf_counter()
    for _ in range(COUNT):
        work()
    return time.perf_counter() - began


def main():
    rng = random.Random(0)
    point = SPACE.sample(rng)
    works = {
        "six draws": lambda: [rng.randrange(5) for _ in range(6)],
        "sample": lambda: SPACE.sample(rng),
        "mutate": lambda: SPACE.mutate(point, rng),
    }
    took = {name: min(seconds(work) for _ in range(ROUNDS)) for name, work in works.items()}
    for name in ("sample", "mutate"):
        rate = COUNT / took[name]
        print(f"{name:<8} {rate:>9,.0f} points/s  {took['six draws'] / took[name]:.2f}x as fast as six draws  (bar {LEAST:,})")
        assert rate >= LEAST


main()
