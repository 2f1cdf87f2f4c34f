"""Builds the aliases that the package ships: `python -m tests.spaces.build_aliases`, some minutes; when identity changes.

Each file has the fingerprint of each network of NAS-Bench-201 for one dataset, and the number of the network of each point, in
the order of the points.
"""

import itertools
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jitnas_fn
from jitnas_fn.core.cards import card_named
from jitnas_fn.spaces.nasbench201 import SPACE

FOLDER = Path(jitnas_fn.__file__).parent / "spaces" / "_aliases"
DATASETS = ("cifar10", "cifar100", "imagenet16_120")
POINTS = list(itertools.product(*(range(len(options)) for options in SPACE.options)))


def name_of(card):
    """The file of a dataset."""
    return f"{SPACE.name}-{'x'.join(map(str, card.input_shape))}-{card.outputs}.json"


def fingerprint(point, card):
    """Of one point, built."""
    return SPACE.architecture(point, card.input_shape, card.outputs).fingerprint


def packed(names):
    """The text of a file."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return json.dumps({"fingerprints": list(numbers), "networks": [numbers[name] for name in names]}, separators=(",", ":"))


def main():
    """Write all files."""
    with ProcessPoolExecutor() as pool:
        for card in map(card_named, DATASETS):
            names = list(pool.map(fingerprint, POINTS, [card] * len(POINTS), chunksize=100))
            (FOLDER / name_of(card)).write_text(packed(names) + "\n", "ascii")
            print(name_of(card), len(set(names)), "networks")


if __name__ == "__main__":
    main()
