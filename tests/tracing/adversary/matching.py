"""Ways to pair the parameters of two networks, shape by shape."""

import itertools
import math
from collections import Counter

from tests.tracing.adversary.playing import slots

MOST_MATCHINGS = 100


def matchings(a, b, inputs):
    """Ways to pair the slots of a with those of b, all if they are few; None if they cannot be paired."""
    one, other = slots(a, inputs), slots(b, inputs)
    counts = Counter(one.values())
    if counts != Counter(other.values()):
        return None
    if math.prod(math.factorial(n) for n in counts.values()) <= MOST_MATCHINGS:
        choices = itertools.product(*(itertools.permutations(range(n)) for n in counts.values()))
    else:
        straight = [tuple(range(n)) for n in counts.values()]
        choices = [straight, *itertools.islice(by_layers(one, other, counts), MOST_MATCHINGS)]
    return [dict(zip(counts, chosen, strict=True)) for chosen in choices]


def by_layers(one, other, counts):
    """Pairings of whole layers of one kind."""
    mine, theirs = layers(one), layers(other)
    if Counter(kind for kind, _ in mine) != Counter(kind for kind, _ in theirs):
        return
    kinds = sorted({kind for kind, _ in mine})
    alike = [[places for k, places in mine if k == kind] for kind in kinds]
    for chosen in itertools.product(*(itertools.permutations(a) for a in alike)):
        left = {kind: iter(c) for kind, c in zip(kinds, chosen, strict=True)}
        order = {kind: [] for kind in counts}
        for kind, places in theirs:
            for (slot, _), (same, index) in zip(places, next(left[kind]), strict=True):
                assert slot == same
                order[slot].append(index)
        yield [tuple(order[kind]) for kind in counts]


def layers(named):
    """(kinds of its slots, [(kind, index among the slots of that kind)]) of each module, in the order of their slots."""
    found, count = {}, Counter()
    for name, kind in named.items():
        found.setdefault(name.rpartition(".")[0], []).append((kind, count[kind]))
        count[kind] += 1
    return [(str([kind for kind, _ in places]), places) for places in found.values()]
