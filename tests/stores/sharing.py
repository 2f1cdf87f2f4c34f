"""Run as a script: append records to a shared store. Stopped and continued by the tests.

`python sharing.py FOLDER FIRST COUNT`
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jitnas_fn.stores.segments import SegmentStore
from tests.samples import SALT, a_record

if __name__ == "__main__":
    folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    store = SegmentStore(folder)
    for number in range(first, first + count):
        store.put(a_record(number, fixed_salt=SALT))
