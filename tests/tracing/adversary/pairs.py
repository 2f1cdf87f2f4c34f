"""All pairs of the tables of different networks."""

import itertools

from tests.tracing.adversary import (
    different_attention,
    different_constants,
    different_copies,
    different_gradients,
    different_layers,
    different_modes,
    different_randomness,
    different_recurrent,
    different_schedules,
    different_sequences,
    different_shapes,
    different_starts,
    different_state,
    different_wiring,
    different_writes,
)

TABLES = {
    "layers": different_layers,
    "shapes": different_shapes,
    "gradients": different_gradients,
    "state": different_state,
    "randomness": different_randomness,
    "wiring": different_wiring,
    "starts": different_starts,
    "copies": different_copies,
    "schedules": different_schedules,
    "writes": different_writes,
    "constants": different_constants,
    "modes": different_modes,
    "recurrent": different_recurrent,
    "attention": different_attention,
    "sequences": different_sequences,
}
FAMILIES = {f"{table}, {name}": family for table, module in TABLES.items() for name, family in module.FAMILIES.items()}


def pairs(family):
    """(name of the pair, one builder, the other), every variant with every other."""
    for (one, a), (other, b) in itertools.combinations(FAMILIES[family][1].items(), 2):
        yield f"{one} | {other}", a, b
