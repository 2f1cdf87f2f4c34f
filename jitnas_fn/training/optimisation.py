"""How the weights move: the optimiser and its learning rate."""

import math

import torch
from torch import nn

from jitnas_fn.core.recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Learning rate of a step, the first being 0.

    Warm-up, over W steps: step t has (t+1)/W of the highest rate. After it, cosine over the T steps that remain: step t,
    counted from the end of the warm-up, has minimum + (highest - minimum)·(1 + cos(πt/T))/2.
    """
    warmup, total = recipe.warmup_epochs * steps_per_epoch, recipe.epochs * steps_per_epoch
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    if recipe.schedule == "constant":
        return recipe.learning_rate
    swing = (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
    return recipe.minimum_learning_rate + (recipe.learning_rate - recipe.minimum_learning_rate) * swing


def optimiser_of(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """PyTorch's own optimiser for a recipe, in its fused form: the same update in one pass over the memory."""
    if not parameters:
        parameters = [nn.Parameter(torch.zeros(()))]  # an optimiser wants something to hold
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "sgd":
        momentum, nesterov = recipe.momentum, recipe.nesterov
        return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=momentum, nesterov=nesterov, fused=True)
    betas = (recipe.beta1, recipe.beta2)
    return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, betas=betas, eps=recipe.epsilon, fused=True)
