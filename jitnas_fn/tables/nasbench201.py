"""NAS-Bench-201: all 15,625 cells on three datasets, after 12 and after 200 epochs.

The file has the columns arch_id, code (an operation for each of the six edges: 0 none, 1 skip_connect, 2 nor_conv_1x1, 3
nor_conv_3x3, 4 avg_pool_3x3) and, for each dataset, <dataset>_test_200_mean, _test_12, _val_12 and _val_200 in percent;
cifar10_params, cifar10_macs, imagenet16_120_params, imagenet16_120_macs, cifar10_train_seconds_200 and
imagenet16_120_train_seconds_200. What was not published is empty.

References
----------
.. [1] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

from collections.abc import Mapping
from typing import ClassVar

from jitnas_fn.core.errors import TableError
from jitnas_fn.core.tabulated import Figure, Row, Table, count, fraction, seconds

DATASETS = ("cifar10", "cifar100", "imagenet16_120")
EDGES, OPERATIONS = 6, "01234"
WIDER = (100 - 10) * (64 + 1)  # what the classifier of CIFAR-100 has more than that of CIFAR-10: weights of 64 channels, a bias


class NasBench201(Table):
    """Accuracies after 12 epochs, and the mean of up to three seeds after 200; of how many each is, the table does not say.

    On CIFAR-10 validation is of networks that were trained on one half of the 50,000 images [1]_. The published seconds are of
    all: those of ImageNet16-120 are 3.034 times as long in every row, as 151,700 images are 50,000.
    """

    about = "15,625 cells on CIFAR-10, CIFAR-100 and ImageNet16-120, 12 and 200 epochs"
    source = "X. Dong and Y. Yang, NAS-Bench-201, ICLR 2020"
    space = "nasbench201"
    splits: ClassVar = {  # of [1]_
        "cifar10": (("train", 25_000), ("validation", 25_000), ("test", 10_000)),
        "cifar100": (("train", 50_000), ("validation", 5_000), ("test", 5_000)),
        "imagenet16_120": (("train", 151_700), ("validation", 3_000), ("test", 3_000)),
    }
    splits_of: ClassVar = {("cifar10", "nasbench201_200"): (("train", 50_000), ("test", 10_000))}
    epochs: ClassVar = {"nasbench201_12": 12, "nasbench201_200": 200}
    chosen_by, read_by = "nasbench201_12", "nasbench201_200"
    timed_as: ClassVar = {"cifar100": "cifar10"}
    part_timed: ClassVar = {("cifar10", "nasbench201_12"): 0.5}
    notes: ClassVar = {
        "cifar10": "validation is of a training on 25,000 images, test of one on all 50,000; seconds are those of the one that "
        "is searched by: of the first after 12 epochs, of the second after 200",
    }
    columns = (
        "arch_id",
        "code",
        *(f"{dataset}_{what}" for dataset in DATASETS for what in ("test_200_mean", "test_12", "val_12", "val_200")),
        *(f"{dataset}_{what}" for dataset in ("cifar10", "imagenet16_120") for what in ("params", "macs", "train_seconds_200")),
    )

    def row(self, fields: Mapping[str, str]) -> Row:
        """One cell."""
        code = fields["code"]
        if len(code) != EDGES or not set(code) <= set(OPERATIONS):
            raise TableError(f"a code has six digits from 0 to 4, not {code[:40]!r}")
        index = count(fields["arch_id"])
        if index is None:
            raise TableError("a cell has an index, its arch_id")
        sizes = {name: (count(fields[f"{name}_params"]), count(fields[f"{name}_macs"])) for name in (DATASETS[0], DATASETS[2])}
        parameters, macs = sizes["cifar10"]
        sizes["cifar100"] = parameters and parameters + WIDER, macs and macs + WIDER
        figures = [figure for dataset in DATASETS for figure in _figures(fields, dataset)]
        return Row(str(index), tuple(map(int, code)), sizes, tuple(figures))


def _figures(fields: Mapping[str, str], dataset: str) -> tuple[Figure, Figure]:
    took = seconds(fields.get(f"{dataset}_train_seconds_200", ""))
    early, late = (fraction(fields[f"{dataset}_val_{epochs}"]) for epochs in (12, 200))
    return (
        Figure(dataset, "nasbench201_12", early, fraction(fields[f"{dataset}_test_12"]), None, None),
        Figure(dataset, "nasbench201_200", late, fraction(fields[f"{dataset}_test_200_mean"]), None, took),
    )


TABLE = NasBench201()
