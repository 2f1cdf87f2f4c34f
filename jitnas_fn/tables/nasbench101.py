"""NAS-Bench-101: cells on CIFAR-10, after 4, 12, 36 and 108 epochs, one run of each.

The file has the columns module_hash, vertices, adjacency_upper_bits (of the upper triangle, row by row),
ops(0=conv3x3,1=conv1x1,2=maxpool3x3), trainable_parameters, train_seconds_108 and val_4, val_12, val_36, val_108 as fractions.

References
----------
.. [1] C. Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

from jitnas_fn.core.errors import TableError
from jitnas_fn.core.tabulated import Figure, Row, Table, count, seconds, share

OPERATIONS = "ops(0=conv3x3,1=conv1x1,2=maxpool3x3)"
BUDGETS = (4, 12, 36, 108)
VERTICES = 7
HASH = re.compile(r"[0-9a-f]{32}")


class NasBench101(Table):
    """Validation accuracies of one run; the table has no test accuracy in this form."""

    about = "cells of up to 7 vertices on CIFAR-10, 4, 12, 36 and 108 epochs"
    source = "C. Ying et al., NAS-Bench-101, ICML 2019"
    space = "nasbench101"
    splits: ClassVar = {"cifar10": (("train", 40_000), ("validation", 10_000), ("test", 10_000))}  # of [1]_
    epochs: ClassVar = {f"nasbench101_{epochs}": epochs for epochs in BUDGETS}
    chosen_by = "nasbench101_108"
    cheaper = ("nasbench101_4", "nasbench101_12", "nasbench101_36")
    columns = (
        "module_hash",
        "vertices",
        "adjacency_upper_bits",
        OPERATIONS,
        "trainable_parameters",
        "train_seconds_108",
        *(f"val_{epochs}" for epochs in BUDGETS),
    )

    def row(self, fields: Mapping[str, str]) -> Row:
        """One cell."""
        index, vertices = fields["module_hash"], count(fields["vertices"]) or 0
        bits, operations = fields["adjacency_upper_bits"], fields[OPERATIONS]
        fits = 2 <= vertices <= VERTICES and len(bits) == vertices * (vertices - 1) // 2 and len(operations) == vertices - 2
        if not fits or not set(bits) <= set("01") or not set(operations) <= set("012") or not HASH.fullmatch(index):
            raise TableError(
                f"a cell has a hash, up to 7 vertices, a bit for each edge and a digit for each operation: {index!r}"
            )
        drawn = iter(map(int, bits))
        matrix = tuple(tuple(next(drawn) if b > a else 0 for b in range(vertices)) for a in range(vertices))
        took = seconds(fields["train_seconds_108"])
        figures = tuple(
            Figure("cifar10", recipe, share(fields[f"val_{epochs}"]), None, 1, took if epochs == BUDGETS[-1] else None)
            for recipe, epochs in self.epochs.items()
        )
        sizes = {"cifar10": (count(fields["trainable_parameters"]), None)}
        return Row(index, (matrix, tuple(map(int, operations))), sizes, figures)


TABLE = NasBench101()
