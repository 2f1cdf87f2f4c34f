"""Are two samples from one distribution? For what networks draw in forward, and for how their parameters start."""

from collections import Counter
from functools import cache
from typing import NamedTuple

import torch

SIGMAS = 6.0
BUILDS = 200
ENOUGH = 20_000


class Summary(NamedTuple):
    """Of many rows of numbers: the means of some functions of them, how far to trust them, and their greatest values."""

    mean: torch.Tensor
    error: torch.Tensor
    most: torch.Tensor


def summary(features):
    features = features.nan_to_num(0.0, 0.0, 0.0)
    return Summary(features.mean(0), features.var(0) / len(features), features.abs().amax(0))


def summary_of_rows(rows):
    """Moments, products, and products of neighbouring rows, about the mean."""
    c = rows - rows.mean(0)
    products = (c.unsqueeze(2) * c.unsqueeze(1)).flatten(1)
    once = [rows, c.abs(), c**2, c**3, (rows.abs() < 1e-9).double(), products]
    return summary(torch.cat([*once, torch.cat([c[1:] * c[:-1], c[:1] * 0])], 1))


def apart(one, other):
    """Whether two summaries are not of one distribution."""
    if one.mean.shape != other.mean.shape:
        return True
    slack = 1e-6 * (one.most + other.most)
    return bool(((one.mean - other.mean).abs() > SIGMAS * (one.error + other.error).sqrt() + slack).any())


class Starts(NamedTuple):
    """How parameters start, by name, and how two of them go together."""

    places: dict
    rows: dict
    values: dict
    together: dict
    equal: set


@cache
def starts(build, names):
    held, equal = {name: [] for name in names}, None
    for seed in range(BUILDS):
        torch.default_generator.manual_seed(50_000 + seed)
        model = build()
        now = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        for name in names:
            held[name].append(now[name].detach().double())
        same = {frozenset((n, m)) for n in names for m in names if n < m and torch.equal(now[n], now[m])}
        equal = same if equal is None else equal & same
    tensors = {name: torch.stack(t) for name, t in held.items()}
    some = {name: some_of(t) for name, t in tensors.items()}
    couples = [(n, m) for n in names for m in names if n != m][:30]
    return Starts(
        {name: summary(torch.cat([t.flatten(1), t.flatten(1) ** 2], 1)) for name, t in tensors.items()},
        {name: summary_of_rows(rows) for name, rows in some.items()},
        {name: t.reshape(-1)[:ENOUGH].sort().values for name, t in tensors.items()},
        {
            (n, m): summary(((some[n] - some[n].mean(0))[:, :, None] * (some[m] - some[m].mean(0))[:, None]).flatten(1))
            for n, m in couples
        },
        equal,
    )


def some_of(stacked):
    """A few elements of each construction, the sizes of a few rows, and the total."""
    rows = stacked.reshape(len(stacked), stacked.shape[1] if stacked.dim() > 1 else 1, -1)
    half = rows.shape[1] // 2
    corners = [
        rows[:, :3, :2].flatten(1),
        rows[:, half : half + 1, :2].flatten(1),
        rows[:, -1:, :2].flatten(1),
        rows[:, :2, -1],
    ]
    return torch.cat([*corners, rows[:, :4].square().sum(2), rows.sum((1, 2))[:, None]], 1)


def starts_alike(a, b, slots_a, slots_b, order):
    """Whether matched slots start from one distribution, and go together alike."""
    one, other = starts(a, tuple(slots_a)), starts(b, tuple(slots_b))
    names, count = {}, Counter()
    for name, kind in slots_b.items():  # a slot of b was given the numbers of the slot of a whose index stands in order
        mine = [n for n, k in slots_a.items() if k == kind]
        names[mine[order[kind][count[kind]]]] = name
        count[kind] += 1
    if {frozenset(names[n] for n in pair) for pair in one.equal} != other.equal:
        return False
    if any(apart(s[n], t[names[n]]) for s, t in ((one.places, other.places), (one.rows, other.rows)) for n in names):
        return False
    couples = ((s, other.together.get((names[n], names[m]))) for (n, m), s in one.together.items())
    return not any(t is not None and apart(s, t) for s, t in couples) and all(
        alike(one.values[n], other.values[names[n]]) for n in names
    )


def alike(one, other):
    """The test of Kolmogorov and Smirnov, of sorted values."""
    if torch.equal(one, other):
        return True
    places = torch.cat([one, other])
    below = [torch.searchsorted(t, places, right=True) / len(t) for t in (one, other)]
    return bool((below[0] - below[1]).abs().max() < 2.6 * (2 / len(one)) ** 0.5)
