"""All 15,625 cells of NAS-Bench-201: 6,466 unique strings, as published, and 5,485 networks, none merged and none split.

Every cell is built as a real network (three stages of one cell each, with the residual blocks between) and fingerprinted. An
oracle of its own, which sees only the cells, says which of them are one network; the two partitions must be the same.
Where JITNAS_NB201 names a table with the columns `code` and `unique_id` (CSV, may be gzipped), the strings are checked
against it; a code has a digit for each edge: 0 none, 1 skip, 2 conv 1x1, 3 conv 3x3, 4 average pooling.
Reference: X. Dong and Y. Yang, "NAS-Bench-201", ICLR 2020.
"""

import csv
import gzip
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from torch import nn

from jitnas_fn.graphs.architecture import Architecture

NONE, SKIP, CONV1, CONV3, POOL = range(5)
NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")  # their alphabetical order matters below
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
WIDTH, CLASSES, IMAGE = 16, 10, (3, 32, 32)
CELLS, STRINGS, NETWORKS = 5**6, 6_466, 5_485
PROCESSES = 2
Cell = tuple[int, ...]


def cells() -> list[Cell]:
    """Every cell: an operation for each edge."""
    return list(itertools.product(range(5), repeat=len(EDGES)))


# The published count of strings.


def unique_string(cell: Cell) -> str:
    """The published rule: `#` for what is none or comes from `#`, a skip repeats its source, terms in alphabetical order."""
    nodes = ["0"]
    for node in (1, 2, 3):
        terms = []
        for (source, target), operation in zip(EDGES, cell, strict=True):
            if target == node and (operation == NONE or nodes[source] == "#"):
                terms.append("#")
            elif target == node:
                terms.append(nodes[source] if operation == SKIP else f"({nodes[source]})@{NAMES[operation]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


# The oracle: what a cell computes, as a small graph, brought to one form by trying all numberings.


def as_network(cell: Cell) -> Hashable:
    """Equal exactly for cells that compute the same with the same parameters.

    A value is a multiset of terms, a term is x0 or an operation on a value. Nothing is the empty multiset. Pooling nothing
    gives nothing, and pooling one value twice is one operation. A convolution of nothing leaves the bias of its batch-norm.
    """
    values: list[tuple[int, ...]] = [(0,)]
    terms: list[tuple[int, tuple[int, ...]]] = [(-1, ())]  # (operation, value it is applied to); the first is x0
    for node in (1, 2, 3):
        found: list[int] = []
        for (source, target), operation in zip(EDGES, cell, strict=True):
            if target != node or operation == NONE:
                continue
            value = values[source]
            if operation == POOL and not value:
                continue
            if operation == SKIP:
                found += value
                continue
            term = (operation if value else NONE, value)
            if operation != POOL or term not in terms:
                terms.append(term)
                found.append(len(terms) - 1)
            else:
                found.append(terms.index(term))
        values.append(tuple(sorted(found)))
    return least_writing(terms, values[-1])


def least_writing(terms: list[tuple[int, tuple[int, ...]]], output: tuple[int, ...]) -> Hashable:
    """The least of all writings of what `output` needs, over all numberings that keep operations in rising order."""
    needed, todo = set(output), list(output)
    while todo:
        new = [source for source in terms[todo.pop()][1] if source not in needed]
        needed.update(new)
        todo += new
    kinds = [sorted(term for term in needed if terms[term][0] == kind) for kind in (-1, NONE, CONV1, CONV3, POOL)]
    writings = []
    for orders in itertools.product(*(itertools.permutations(kind) for kind in kinds)):
        number = {term: i for i, term in enumerate(itertools.chain(*orders))}
        written = tuple((terms[term][0], tuple(sorted(number[s] for s in terms[term][1]))) for term in number)
        writings.append((written, tuple(sorted(number[term] for term in output))))
    return min(writings)


# The networks.


def relu_conv_norm(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution without bias, batch-norm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs))


class Zero(nn.Module):
    """The operation `none`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 0.0


class CellModule(nn.Module):
    """Four nodes; each adds up what comes in."""

    def __init__(self, cell: Cell, width: int) -> None:
        super().__init__()
        make = (
            Zero,
            nn.Identity,
            lambda: relu_conv_norm(width, width, 1),
            lambda: relu_conv_norm(width, width, 3),
            lambda: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
        )
        self.operations = nn.ModuleList(make[operation]() for operation in cell)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nodes = [x]
        for node in (1, 2, 3):
            arriving = [
                operation(nodes[source])
                for (source, target), operation in zip(EDGES, self.operations, strict=True)
                if target == node
            ]
            nodes.append(sum(arriving[1:], arriving[0]))
        return nodes[-1]


class Reduction(nn.Module):
    """The residual block between two stages: half the size, twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = relu_conv_norm(width, 2 * width, 3, stride=2)
        self.b = relu_conv_norm(2 * width, 2 * width, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(width, 2 * width, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.b(self.a(x))


def network(cell: Cell) -> nn.Sequential:
    """Stem, three stages of one cell, classifier."""
    w = WIDTH
    return nn.Sequential(
        *[nn.Conv2d(3, w, 3, padding=1, bias=False), nn.BatchNorm2d(w)],
        *[CellModule(cell, w), Reduction(w), CellModule(cell, 2 * w), Reduction(2 * w), CellModule(cell, 4 * w)],
        *[nn.BatchNorm2d(4 * w), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * w, CLASSES)],
    )


def fingerprint(cell: Cell) -> str:
    """Of the cell's network; that it is not run beside the model saves four fifths of the time."""
    torch.set_num_threads(1)
    return Architecture.from_module(lambda: network(cell), input_shape=IMAGE, validate=False).fingerprint


# The comparison.


def merged_and_split(found: Mapping[Cell, Hashable], expected: Mapping[Cell, Hashable]) -> tuple[int, int]:
    """How many classes found hold several expected ones, and how many expected ones lie in several found."""
    pairs = {(found[cell], expected[cell]) for cell in found}
    held, lying = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    return sum(count > 1 for count in held.values()), sum(count > 1 for count in lying.values())


def against_table(rows: Iterable[Mapping[str, str]]) -> bool:
    """Whether the strings part the cells as the table's `unique_id` does."""
    published = {tuple(map(int, row["code"])): row["unique_id"] for row in rows}
    merged, split = merged_and_split({cell: unique_string(cell) for cell in published}, published)
    print(f"unique strings against the table's {len(set(published.values())):,}: {merged} merged, {split} split")
    return not merged and not split and len(published) == CELLS


def main() -> int:
    """Print the three counts and how the partitions compare; 1 if anything differs."""
    began = time.perf_counter()
    every = cells()
    strings, expected = {unique_string(cell) for cell in every}, {cell: as_network(cell) for cell in every}
    networks = len(set(expected.values()))
    print(
        f"{len(every):,} cells: {len(strings):,} unique strings (published {STRINGS:,}); the oracle finds {networks:,} networks"
    )
    right = len(strings) == STRINGS and networks == NETWORKS
    table = os.environ.get("JITNAS_NB201", "")
    if table and Path(table).exists():
        with (gzip.open if table.endswith(".gz") else open)(table, "rt", newline="") as file:
            right = against_table(csv.DictReader(file)) and right
    found: dict[Cell, Hashable] = {}
    with ProcessPoolExecutor(PROCESSES) as processes:
        for cell, one in zip(every, processes.map(fingerprint, every, chunksize=25), strict=True):
            found[cell] = one
            if len(found) % 2500 == 0:
                print(f"  {len(found):,} fingerprints after {time.perf_counter() - began:.0f} s", flush=True)
    merged, split = merged_and_split(found, expected)
    classes = len(set(found.values()))
    print(
        f"{classes:,} fingerprints (expected {NETWORKS:,}): {merged} merged, {split} split; {time.perf_counter() - began:.0f} s"
    )
    return 0 if right and classes == NETWORKS and not merged and not split else 1


if __name__ == "__main__":
    sys.exit(main())
