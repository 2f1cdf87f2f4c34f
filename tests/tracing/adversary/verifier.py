"""Do two networks really differ, or agree? By what they compute and how they train, without a look at any key.

Both get the same numbers, for every way to match parameters of one shape, and play a script of calls and of steps of SGD.
Where they draw at random their outputs and gradients are compared as distributions. Networks that do the same are then
compared by how their parameters start.
"""

import random
import warnings
from functools import cache, wraps

import torch

from tests.tracing.adversary import statistics
from tests.tracing.adversary.matching import matchings
from tests.tracing.adversary.outputs import taken_apart
from tests.tracing.adversary.playing import as_built, drawn, noisy, played, random_outputs, slots, whole_play

CLOSE = {torch.float64: 1e-8, torch.float32: 2e-4}


def far(one, other, dtype):
    if one.shape != other.shape or one.dtype != other.dtype:
        return True
    if not one.is_floating_point():
        return not torch.equal(one, other)
    slack = CLOSE[dtype] * (1e-3 + scale_of(one))
    return not torch.allclose(one, other, rtol=CLOSE[dtype], atol=slack, equal_nan=True)


def scale_of(tensor):
    finite = tensor[tensor.isfinite()]
    return finite.abs().max().item() if finite.numel() else 0.0


def difference(a, b, inputs, dtype, order):
    """How the behaviour differs for this matching of the parameters; None if it was not seen to."""
    skipped = noisy(a, inputs) | noisy(b, inputs)
    straight = tuple((kind, tuple(range(len(o)))) for kind, o in order.items())
    given = tuple(order.items())
    calls = zip(whole_play(a, inputs, dtype, straight, skipped), played(b, inputs, dtype, order, skipped), strict=True)
    for step, (one, other) in enumerate(calls):
        if one[0] != other[0]:
            return f"call {step}: {one[0]} and {other[0]}"
        if any(far(p, q, dtype) for p, q in zip(one[1], other[1], strict=True)):
            return f"call {step}: outputs"
    for training in skipped:
        for learning in (False, True):
            drawn_by = [random_outputs(m, inputs, dtype, o, training, learning) for m, o in ((a, straight), (b, given))]
            if statistics.apart(*drawn_by):
                return "distribution of what is drawn"
    return None


def quietly(function):
    @wraps(function)
    def inside(*given):
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            state = random.getstate()
            try:
                return function(*given)
            finally:
                random.setstate(state)

    return inside


@quietly
def agreement(a, b, inputs):
    """A matching under which the two networks do the same in every mode and start alike; None if none was found."""
    for order in matchings(a, b, inputs) or []:
        dtype = torch.float64 if runs_in_double(a, inputs) and runs_in_double(b, inputs) else torch.float32
        same = difference(a, b, inputs, dtype, order) is None
        if same and dtype is torch.float64:
            same = difference(a, b, inputs, torch.float32, order) is None
        if same and statistics.starts_alike(a, b, slots(a, inputs), slots(b, inputs), order):
            return order
    return None


@quietly
def really_different(a, b, inputs):
    """Whether, however the parameters are matched, the networks compute, train or start differently."""
    return matchings(a, b, inputs) is None or agreement.__wrapped__(a, b, inputs) is None


@cache
def runs_in_double(build, inputs):
    try:
        model = as_built(build, torch.float64)
        taken_apart(model(*drawn(inputs, 4, 1.0, torch.float64, 3)))
    except RuntimeError:
        return False
    return True
