"""An adversary's networks: never one key for two that really differ, and one key for one network in several spellings.

What differs and what agrees is shown by running the networks, without a look at any key.
"""

from functools import cache

import pytest
from torch import nn

from jitnas_fn.core.errors import JitnasError
from jitnas_fn.graphs.architecture import Architecture
from tests.tracing.adversary import equal_nice, equal_shapes, equal_spellings, equal_wirings
from tests.tracing.adversary.networks import Fed, fed
from tests.tracing.adversary.pairs import FAMILIES, pairs
from tests.tracing.adversary.verifier import agreement, really_different

MUST = {**equal_spellings.GROUPS, **equal_shapes.GROUPS, **equal_wirings.GROUPS}


@cache
def key_or_refusal(build, inputs):
    """The fingerprint, or None if it is refused. Any other error goes through."""
    shapes, dtypes = fed(inputs)
    several = len(shapes) > 1
    try:
        return Architecture.from_module(
            build, input_shape=shapes if several else shapes[0], dtype=dtypes if several else dtypes[0]
        ).fingerprint
    except JitnasError:
        return None


@pytest.mark.parametrize("family", FAMILIES)
def test_the_networks_of_a_family_really_differ(family):
    inputs, _ = FAMILIES[family]
    assert [name for name, a, b in pairs(family) if not really_different(a, b, inputs)] == []


@pytest.mark.filterwarnings("ignore")  # of the networks: deprecated spellings, statistics of one sample
@pytest.mark.parametrize("family", FAMILIES)
def test_networks_that_really_differ_never_have_one_key(family):
    inputs, _ = FAMILIES[family]
    merged = [name for name, a, b in pairs(family) if (k := key_or_refusal(a, inputs)) and k == key_or_refusal(b, inputs)]
    assert merged == []


@pytest.mark.parametrize("groups", [MUST, equal_nice.GROUPS], ids=["must", "nice"])
def test_the_spellings_of_a_group_really_agree(groups):
    disagreeing = []
    for group, (inputs, spelt) in groups.items():
        first, *others = spelt.values()
        disagreeing += [(group, i) for i, other in enumerate(others, 1) if agreement(first, other, inputs) is None]
    assert disagreeing == []


@pytest.mark.parametrize("group", MUST)
def test_the_spellings_of_one_network_have_one_key(group):
    inputs, spelt = MUST[group]
    keys = {name: key_or_refusal(build, inputs) for name, build in spelt.items()}
    assert None not in keys.values(), f"refused: {[name for name, k in keys.items() if k is None]}"
    assert len(set(keys.values())) == 1, keys


def test_what_one_sample_is_counts():
    def build():
        return nn.ReLU()

    shapes = [
        ((4,), "float32"),
        ((5,), "float32"),
        ((4, 1), "float32"),
        ((1, 4), "float32"),
        ((4,), "float64"),
        ((4,), "float16"),
    ]
    keys = [key_or_refusal(build, Fed((shape,), (dtype,))) for shape, dtype in shapes]
    known = [k for k in keys if k]
    assert len(set(known)) == len(known)
