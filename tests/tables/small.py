"""Tables of a few rows, made here: no published figure is in them."""

import csv
import gzip
import io

DATASETS = ("cifar10", "cifar100", "imagenet16_120")
NO_PATH = ("000000", "100000", "000010")  # cells whose output is zero: they are one network


def nasbench201(codes, *, timed=None, **changed):
    """A table of NAS-Bench-201 with these cells; accuracies follow from their digits."""
    rows = []
    for number, code in enumerate(codes):
        row = {"arch_id": number, "code": code}
        for dataset in DATASETS:
            worth = 10 + sum(map(int, code)) * 3 + len(dataset) / 10
            row |= {f"{dataset}_test_200_mean": worth + 20, f"{dataset}_test_12": worth + 1, f"{dataset}_val_12": worth}
            row |= {f"{dataset}_val_200": ""}
        for dataset in (DATASETS[0], DATASETS[2]):
            row |= {f"{dataset}_params": 1000 + number, f"{dataset}_macs": 10**6 * (number + 1)}
            row |= {f"{dataset}_train_seconds_200": 100.0 + 10 * number if number < (timed or 0) else ""}
        rows.append(row | changed)
    return rows


def nasbench101(vals, *, seconds=108.0):
    """A table of NAS-Bench-101: chains of convolutions, one for each row of four validation accuracies."""
    rows = []
    for number, values in enumerate(vals):
        operations = "".join(str(number // 3**place % 3) for place in range(3))
        row = {"module_hash": f"{number:032x}", "vertices": 5, "adjacency_upper_bits": "1000100101"}
        row |= {"ops(0=conv3x3,1=conv1x1,2=maxpool3x3)": operations, "trainable_parameters": 1000, "train_seconds_108": seconds}
        rows.append(row | {f"val_{epochs}": value for epochs, value in zip((4, 12, 36, 108), values, strict=True)})
    return rows


def nasbench_macro(archs):
    """A table of NAS-Bench-Macro."""
    return [{"arch": arch, "test_acc_1": 80, "test_acc_2": 81, "test_acc_3": 82, "params": 5, "flops": 7} for arch in archs]


def written(rows, path, *, packed=True):
    """The file of a table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    return path
