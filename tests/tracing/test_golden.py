"""What may never change: fingerprints and keys of networks that people have records of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.opset import OPERATIONS
from tests.golden.fingerprints import ALL, FILE, frozen
from tests.golden.models import IMAGE

GOLDEN = json.loads(FILE.read_text(encoding="ascii"))


def test_every_fingerprint_and_key_is_the_one_that_was_frozen() -> None:
    assert frozen() == GOLDEN


def test_at_least_sixty_networks_are_frozen_and_no_two_share_a_fingerprint() -> None:
    fingerprints = [entry["fingerprint"] for entry in GOLDEN.values()]
    assert len(fingerprints) >= 60
    assert len(set(fingerprints)) == len(fingerprints) == len(ALL)


def test_every_operation_of_the_opset_is_in_a_frozen_network() -> None:
    met = set()
    for builder in ALL.values():
        document = Architecture.from_module(builder, input_shape=IMAGE).document
        met |= {node["op"] for node in document["nodes"]}
    assert set(OPERATIONS) - met == set()


@pytest.mark.parametrize("name", ALL)
def test_a_document_read_back_and_a_network_rebuilt_have_the_same_fingerprint(name: str) -> None:
    fingerprint = GOLDEN[name]["fingerprint"]
    architecture = Architecture.from_module(ALL[name], input_shape=IMAGE)
    assert Architecture.from_json(architecture.to_json()).fingerprint == fingerprint
    assert Architecture.from_module(architecture.build(3), input_shape=IMAGE).fingerprint == fingerprint


ASKED = ("residual", "weighted_sum", "one_conv_two_branches", "init_trunc_normal", "lstm_two_ways", "copied_layers")
SCRIPT = f"""
from jitnas_fn import fingerprint
from tests.golden.fingerprints import ALL
from tests.golden.models import IMAGE
print(*[fingerprint(ALL[name], IMAGE) for name in {ASKED}])
"""


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_another_hash_seed_computes_the_same_fingerprints(hash_seed: str) -> None:
    root = str(Path(__file__).parents[2])
    surroundings = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=surroundings, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [GOLDEN[name]["fingerprint"] for name in ASKED]
