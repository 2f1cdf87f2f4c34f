"""Two ways to search a published table, NAS-Bench-201: nothing is trained, so ten searches of each take seconds.

The table is a file of your own: named on the command line, or nb201.csv.gz in the folder that JITNAS_TABLES names, or taken in
once by `jitnas cache import`. Where there is none, this says how to get it.
"""

import os
import statistics
import sys
from pathlib import Path

from jitnas_fn import JitnasError
from jitnas_fn.client.tables import file_of
from jitnas_fn.search.replay import Replay

NO_TABLE = """\
there is no table to search here: {reason}
docs/compare-two-nas-methods.md says how to make it from the published files. Then
    python examples/06_search_a_table.py nb201.csv.gz
searches it 20 times and trains nothing: 100 evaluations each, by random search and by evolution, in some ten seconds"""


def table_file() -> Path:
    """The file of the table; raises `JitnasError` where none is named and none was imported."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    folder = os.environ.get("JITNAS_TABLES")
    return Path(folder, "nb201.csv.gz") if folder else file_of("nasbench201")


try:
    replay = Replay("nasbench201", table_file())
except JitnasError as why:
    print(NO_TABLE.format(reason=why))
    sys.exit()

table = replay.table
print(f"{table.source}: {len(replay.store.rows):,} cells, {replay.store.networks:,} different networks")
print(f"searches choose on validation by {table.chosen_by}; the test part of the chosen cell is read by {table.read_by}")
for method in ("random_search", "evolution"):  # or a class of your own
    found = [replay.search("cifar10", method, seed=seed, evaluations=100) for seed in range(10)]
    tests, hours = [one.test for one in found], statistics.mean(one.seconds for one in found) / 3600
    spread = f"{statistics.mean(tests):.4f} ± {statistics.stdev(tests):.4f}"
    print(f"{method:<14} test accuracy {spread} over {len(found)} seeds; each would have trained for {hours:.1f} h")
