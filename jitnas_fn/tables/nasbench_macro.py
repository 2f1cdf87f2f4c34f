"""NAS-Bench-Macro: all 6,561 networks on CIFAR-10, three runs of 50 epochs each.

The file has the columns arch (eight digits), test_acc_1, test_acc_2, test_acc_3 in percent, params and flops. Its authors have
no validation split: they train on all 50,000 images and tell the highest test accuracy of the epochs (train/train.py of their
code), so nothing can be chosen by this table without looking at test. They count no addition of the last bias.

References
----------
.. [1] X. Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021.
"""

from collections.abc import Mapping
from statistics import fmean
from typing import ClassVar

from jitnas_fn.core.errors import TableError
from jitnas_fn.core.tabulated import Figure, Row, Table, count, fraction

LAYERS, BLOCKS = 8, "012"
RUNS = ("test_acc_1", "test_acc_2", "test_acc_3")


class NasBenchMacro(Table):
    """The mean test accuracy of three runs; neither validation nor seconds."""

    about = "6,561 networks on CIFAR-10, 50 epochs, test accuracies only"
    source = "X. Su et al., NAS-Bench-Macro, CVPR 2021"
    space = "nasbench_macro"
    splits: ClassVar = {"cifar10": (("train", 50_000), ("test", 10_000))}
    epochs: ClassVar = {"nasbench_macro_50": 50}
    chosen_by = None
    columns = ("arch", *RUNS, "params", "flops")

    def row(self, fields: Mapping[str, str]) -> Row:
        """One network."""
        digits = fields["arch"]
        if len(digits) != LAYERS or not set(digits) <= set(BLOCKS):
            raise TableError(f"a network has eight digits from 0 to 2, not {digits[:40]!r}")
        tests = [fraction(fields[name]) for name in RUNS]
        known = [test for test in tests if test is not None]
        mean = round(fmean(known), 12) if known else None
        figure = Figure("cifar10", "nasbench_macro_50", None, mean, len(known), None)
        sizes = {"cifar10": (count(fields["params"]), count(fields["flops"]))}
        return Row(digits, tuple(map(int, digits)), sizes, (figure,))


TABLE = NasBenchMacro()
