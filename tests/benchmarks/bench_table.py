"""A published table taken in, and the first answer from it, by a machine that has nothing: against reading the file alone.

NAS-Bench-201, all 15,625 rows on three datasets, if a table is here. Each step is a process of its own, as on a command line.
Bars: 10 s together, 300 MB of memory. The 15,625 cells have 5,485 networks; their fingerprints come with the package.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

from jitnas_fn.spaces.nasbench201 import SPACE
from tests.spaces.tables import FOLDER

BAR_SECONDS, BAR_MB = 10.0, 300
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
READ = "import csv, gzip, sys; print(sum(1 for _ in csv.DictReader(gzip.open(sys.argv[1], 'rt'))))"
ASK = f"""
from jitnas_fn import Client
from jitnas_fn.spaces.nasbench201 import SPACE
network = SPACE.architecture(SPACE.read({BEST!r}), (3, 32, 32), 100)
record = Client(accept_imported=True).lookup(network, dataset="cifar100", recipe="nasbench201_200")
print(record.metrics["test"]["accuracy"], record.provenance["index"])
"""


def timed(*words):
    """Seconds of a process, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def main():
    path = FOLDER / "nb201.csv.gz"
    if not path.exists():
        print(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JITNAS_HOME"] = folder
        read, _ = timed(sys.executable, "-c", READ, str(path))
        took, told = timed(sys.executable, "-m", "jitnas_fn", "cache", "import", "--table", "nasbench201", str(path), "--json")
        first, answer = timed(sys.executable, "-c", ASK)
        fields = json.loads(told)
        assert (fields["rows"], fields["networks"], fields["records"]) == (15_625, 5_485, 93_750)
        assert answer.split()[1] == "9930", answer
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(f"import {took:.2f} s, first answer {first:.2f} s  (bar {BAR_SECONDS:.0f} s together; the file alone {read:.2f} s)")
    print(f"{(took + first) / read:.1f}x as long as reading the file; largest process {megabytes:.0f} MB  (bar {BAR_MB} MB)")
    assert took + first < BAR_SECONDS
    assert megabytes < BAR_MB
    assert SPACE.size == fields["rows"]


if __name__ == "__main__":
    main()
