"""Cells of NAS-Bench-201 as networks: one fingerprint exactly where an oracle sees one. All of them: `bench_nasbench201`."""

import random

from tests.benchmarks.bench_nasbench201 import (
    NETWORKS,
    STRINGS,
    as_network,
    cells,
    fingerprint,
    merged_and_split,
    unique_string,
)

CHOSEN, MEMBERS = 45, 4


def test_the_strings_and_networks_are_as_many_as_published_and_as_found_before():
    assert len({unique_string(cell) for cell in cells()}) == STRINGS
    assert len({as_network(cell) for cell in cells()}) == NETWORKS


def test_cells_that_are_one_network_share_a_fingerprint_and_no_others_do():
    members = {}
    for cell in cells():
        members.setdefault(as_network(cell), []).append(cell)
    draw = random.Random(201)
    large = draw.sample([group for group in members.values() if len(group) >= MEMBERS], CHOSEN)
    alone = draw.sample([group for group in members.values() if len(group) == 1], CHOSEN)
    expected = {cell: as_network(cell) for group in large + alone for cell in draw.sample(group, min(MEMBERS, len(group)))}
    assert len(expected) == CHOSEN * (MEMBERS + 1)
    found = {cell: fingerprint(cell) for cell in expected}
    assert merged_and_split(found, expected) == (0, 0)
    assert len(set(found.values())) == 2 * CHOSEN
