"""Random networks: a spelling keeps the key, a change loses it, and one key is one network."""

import functools
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitnas_fn.graphs.architecture import Architecture
from tests.tracing.programs.behaviour import behaviour, difference
from tests.tracing.programs.building import Builder
from tests.tracing.programs.classes import Classes
from tests.tracing.programs.drawing import drawn
from tests.tracing.programs.keys import keyed, shapes_and_types
from tests.tracing.programs.mutation import KINDS, mutated
from tests.tracing.programs.specification import Layer, Program, Step
from tests.tracing.programs.spelling import FEATURES, respelled

NUMBERS = st.integers(0, 10**6)
TOLD_APART = tuple(kind for kind in KINDS if kind != "recompute")  # which is looked at by itself
pytestmark = pytest.mark.filterwarnings("ignore:.*not contiguous:UserWarning")


def architecture(program, spelling=None, **options):
    shapes, types = shapes_and_types(program)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Architecture.from_module(Builder(program, spelling), input_shape=shapes, dtype=types, **options)


@functools.cache
def programs(count):
    """Programs that have a key, with it, by their number."""
    found = {number: keyed(drawn(number)) for number in range(count)}
    return {number: one for number, one in found.items() if one.key}


@given(number=NUMBERS, seed=NUMBERS)
@settings(max_examples=100)
def test_a_network_written_in_another_way_has_the_same_key(number, seed):
    program = drawn(number)
    original = keyed(program)
    if original.key:
        assert keyed(program, respelled(program, seed)).key == original.key


@pytest.mark.parametrize("feature", FEATURES)
def test_no_way_of_writing_a_network_changes_its_key(feature):
    for number, original in programs(40).items():
        program = original.builder.program
        assert keyed(program, respelled(program, number, [feature]), validated=False).fingerprint == original.key


@given(number=NUMBERS, seed=NUMBERS, simple=st.booleans())
@settings(max_examples=100)
def test_a_network_with_one_change_has_another_key_unless_it_is_the_same_network(number, seed, simple):
    program = drawn(number, simple=simple)
    mutation, original = mutated(program, seed, TOLD_APART), keyed(program)
    if mutation is not None and original.key:
        other = keyed(mutation.program)
        assert other.key != original.key or difference(behaviour(original), behaviour(other)) == ""


@pytest.mark.parametrize("kind", TOLD_APART)
def test_every_kind_of_change_is_met_and_tells_networks_apart(kind):
    """What cannot be the same network whatever its weights are called: other outputs, gradients or starts in place."""
    met = 0
    for number in range(400):
        program = drawn(number, simple=number % 2 == 1)
        mutation = mutated(program, number, [kind])
        if mutation is None:
            continue
        original, other = keyed(program, validated=False), keyed(mutation.program, validated=False)
        told = [{f"p{i}.{name}": t for (i, name), t in one.builder.places.items()} for one in (original, other)]
        if original.fingerprint and other.fingerprint:
            differ = difference(behaviour(original, named=told[0]), behaviour(other, named=told[1]))
            met += bool(differ) and original.fingerprint != other.fingerprint
        if met == 3:
            return
    raise AssertionError(f"only {met} networks were told apart after a change of this kind")


def test_networks_of_one_key_do_the_same_weight_by_weight():
    classes = Classes()
    for number in range(200):
        program = drawn(number, simple=True, longest=6)
        for spelling in (None, respelled(program, number)):
            found = keyed(program, spelling, validated=False)
            if found.fingerprint:
                classes.add(found)
    assert [str(one) for one in classes.disagreements] == []
    several = sum(size > 2 for size in classes.sizes.values())  # more than one program in its two spellings
    assert classes.verified > 200
    assert several > 10


@given(number=NUMBERS, seed=NUMBERS)
@settings(max_examples=40)
def test_a_document_read_back_and_a_rebuilt_network_have_the_fingerprint(number, seed):
    program = drawn(number)
    if not keyed(program).key:
        return
    original = architecture(program, respelled(program, seed), validate=False)
    shapes, types = shapes_and_types(program)
    assert Architecture.from_json(original.to_json()).fingerprint == original.fingerprint
    again = Architecture.from_module(original.build(seed), input_shape=shapes, dtype=types)
    assert again.fingerprint == original.fingerprint


def test_a_batch_norm_that_a_checkpoint_runs_twice_has_no_key():
    attrs = {"i": 4, "axes": 1, "eps": 1e-5, "momentum": 0.1, "affine": True, "track": True}
    once, twice = (
        Program(((4,),), (Layer("batch_norm", attrs),), (Step("batch_norm", (0,), {}, 0, recomputed=again),), (1,))
        for again in (False, True)
    )
    assert keyed(once).key
    assert not keyed(twice).key
