"""Run as a script: append records to a store and say each one's number once it is kept. Stopped and killed by the tests.

`python appending.py PLACE FIRST COUNT`: a PLACE that ends in .jsonl is a cache, any other a shared store.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed

if __name__ == "__main__":
    place, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    store = TinyStore(place) if place.suffix == ".jsonl" else SegmentStore(place)
    for number in range(first, first + count):
        store.put(fixed(number))
        print(number, flush=True)
