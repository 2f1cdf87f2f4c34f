import dataclasses

import pytest
import torch
from torch import nn

from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training.optimisation import learning_rate, optimiser_of

PLAIN = Recipe(epochs=4, batch_size=8, learning_rate=0.8)


def _rates(**changes):
    recipe = dataclasses.replace(PLAIN, **changes)
    return [learning_rate(recipe, step, 2) for step in range(recipe.epochs * 2)]


def test_a_constant_rate_is_constant():
    assert _rates() == [0.8] * 8


def test_warm_up_rises_in_equal_steps_to_the_highest_rate():
    assert _rates(warmup_epochs=2) == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8])


def test_a_warm_up_as_long_as_the_training_is_all_there_is():
    assert _rates(warmup_epochs=4, schedule="cosine") == pytest.approx([0.1 * step for step in range(1, 9)])


def test_the_cosine_begins_after_the_warm_up_and_ends_above_the_minimum():
    rates = _rates(warmup_epochs=1, schedule="cosine", minimum_learning_rate=0.2)
    assert rates[:2] == pytest.approx([0.4, 0.8])
    assert rates[2] == pytest.approx(0.8)
    assert rates[5] == pytest.approx(0.5)
    assert rates == sorted(rates[:2]) + sorted(rates[2:], reverse=True)
    assert rates[-1] > 0.2


OPTIMISERS = [
    ({"optimiser": "sgd"}, lambda p: torch.optim.SGD(p, lr=0.8)),
    (
        {"optimiser": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        lambda p: torch.optim.SGD(p, lr=0.8, momentum=0.9, nesterov=True, weight_decay=0.01, foreach=False),
    ),
    (
        {"optimiser": "adam", "weight_decay": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6},
        lambda p: torch.optim.Adam(p, lr=0.8, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.01, foreach=False),
    ),
]


@pytest.mark.parametrize(("changes", "plain"), OPTIMISERS, ids=["sgd", "nesterov", "adam"])
def test_the_fused_optimiser_makes_the_plain_ones_steps(changes, plain):
    ours, theirs = nn.Parameter(torch.linspace(-1, 1, 7)), nn.Parameter(torch.linspace(-1, 1, 7))
    first, second = optimiser_of([ours], dataclasses.replace(PLAIN, **changes)), plain([theirs])
    for step in range(5):
        for parameter, optimiser in ((ours, first), (theirs, second)):
            parameter.grad = torch.cos(parameter.detach() * (step + 1))
            optimiser.step()
    torch.testing.assert_close(ours, theirs)


def test_a_network_without_parameters_has_an_optimiser_too():
    optimiser_of([], PLAIN).step()
