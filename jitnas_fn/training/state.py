"""A half-trained model: all that is needed to go on as if nothing had happened.

The order of samples, augmentation, dropout and all other draws come from streams of (seed, purpose, epoch or step): they have
no state. The learning rate depends on the step alone. What is left is what stands here.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training.curves import EVERY_EPOCH

# What PyTorch's optimisers remember of each parameter. "step" is one number, all else has the parameter's shape.
REMEMBERED = {"sgd": {"momentum_buffer"}, "adam": {"step", "exp_avg", "exp_avg_sq"}}
COSTS = ("train_seconds", "evaluation_seconds", "wall_seconds", "joules")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a training came to at the end of an epoch.

    Attributes
    ----------
    epochs
        How many the recipe asks for.
    history
        `metrics[split][metric]` of each epoch that is over.
    seconds
        What the training took so far, all attempts together. [s]
    cost
        As a record holds it, so far, all attempts together.
    network
        Name -> parameter or buffer.
    optimiser
        Number of the trainable parameter -> name -> what the optimiser remembers of it.
    random
        State of torch's own generators, by device type.
    """

    epochs: int
    history: list[Json]
    seconds: float
    cost: Json
    network: dict[str, Tensor]
    optimiser: dict[int, dict[str, Tensor]]
    random: dict[str, Tensor]

    @property
    def epoch(self) -> int:
        """How many epochs are over."""
        return len(self.history)

    def tensors(self) -> list[Tensor]:
        """All tensors in it."""
        return [*self.network.values(), *(t for kept in self.optimiser.values() for t in kept.values()), *self.random.values()]


def content_of(network: nn.Module, optimiser: torch.optim.Optimizer, device: torch.device) -> dict[str, Any]:
    """Network, optimiser and generators as fields of a `State`. The tensors are not copied: write them before the next step."""
    random = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        random["cuda"] = torch.cuda.get_rng_state(device)
    remembered = {number: {n: v for n, v in kept.items() if v is not None} for number, kept in _remembered(optimiser).items()}
    return {"network": dict(network.state_dict()), "optimiser": remembered, "random": random}


def take_up(state: State, network: nn.Module, optimiser: torch.optim.Optimizer, *, device: torch.device) -> None:
    """Bring network, optimiser and generators to where `state` says they were. Its tensors are used up by that."""
    network.load_state_dict(state.network)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict(
        {"state": {number: dict(kept) for number, kept in state.optimiser.items()}, "param_groups": groups}
    )
    torch.set_rng_state(state.random["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state.random["cuda"], device)
    for used in (state.network, state.optimiser, state.random):
        used.clear()


def fits(state: State, network: nn.Module, *, recipe: Recipe, metric: str, device: torch.device) -> bool:
    """Whether `state` is one of this very training, in every shape and type, so that `take_up` cannot fail half-way.

    Parameters
    ----------
    state
        What was read; it may be anything.
    network
        Freshly built.
    recipe
        Of the task.
    metric
        Of the dataset.
    device
        Where it goes on.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    generators = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        generators["cuda"] = torch.cuda.get_rng_state(device)
    return (
        state.epochs == recipe.epochs
        and 0 < state.epoch <= recipe.epochs
        and all(_is_measured(measured, metric) for measured in state.history)
        and all(_is_number(value) for value in (state.seconds, *(state.cost.get(name) for name in COSTS)))
        and type(state.cost.get("attempts")) is int
        and _alike(state.network, dict(network.state_dict()))
        and all(_is_of(kept, trainable, number, recipe) for number, kept in state.optimiser.items())
        and _alike(state.random, generators)
    )


def _remembered(optimiser: torch.optim.Optimizer) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return found


def _is_measured(measured: object, metric: str) -> bool:
    """Whether that is what an epoch measures: finite numbers, or a training would have ended there."""
    if not isinstance(measured, dict) or set(measured) != set(EVERY_EPOCH):
        return False
    splits = [values for values in measured.values() if isinstance(values, dict) and set(values) == {"loss", metric}]
    return len(splits) == len(measured) and all(_is_number(value) for values in splits for value in values.values())


def _is_number(value: object) -> bool:
    return finite(value) is not None


def _alike(found: object, wanted: dict[str, Tensor]) -> bool:
    if not isinstance(found, dict) or found.keys() != wanted.keys():
        return False
    return all(isinstance(t, Tensor) and (t.shape, t.dtype) == (wanted[n].shape, wanted[n].dtype) for n, t in found.items())


def _is_of(kept: object, trainable: list[nn.Parameter], number: object, recipe: Recipe) -> bool:
    """Whether the optimiser of this recipe remembers that of trainable parameter `number`."""
    if type(number) is not int or not 0 <= number < len(trainable) or not isinstance(kept, dict):
        return False
    shape = trainable[number].shape
    if not all(isinstance(t, Tensor) and t.is_floating_point() for t in kept.values()):
        return False
    named = set(kept) == REMEMBERED[recipe.optimiser] or (recipe.optimiser == "sgd" and not kept)
    return named and all(t.shape == (() if name == "step" else shape) for name, t in kept.items())
