"""Run as a script: append records to a store and say each one's number once it is kept. Killed by the tests.

`python appending.py FILE FIRST COUNT`
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_record

if __name__ == "__main__":
    path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    store = TinyStore(path)
    for number in range(first, first + count):
        store.put(a_record(number, fixed_salt=SALT))
        print(number, flush=True)
