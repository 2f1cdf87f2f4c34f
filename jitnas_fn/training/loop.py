"""The whole training, in one file. N samples, B per batch, C channels, H by W pixels, K classes or targets."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.tracing.streams import Stream
from jitnas_fn.training.attempt import Attempt, Halted, Progress
from jitnas_fn.training.augmentation import Augmentation
from jitnas_fn.training.curves import curves_of, no_metrics
from jitnas_fn.training.data import Split
from jitnas_fn.training.measures import Average, finite, loss_of
from jitnas_fn.training.meter import Meter
from jitnas_fn.training.optimisation import learning_rate, optimiser_of
from jitnas_fn.training.shapes import check_recipe
from jitnas_fn.training.state import State, content_of, take_up

EVALUATION_BATCH = 512


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training came to: `verdict`, `curves` and `metrics` as a `Record` holds them."""

    verdict: str
    curves: Json
    metrics: Json


class _Stopped(Exception):
    """The training ends here, with this verdict."""


def train(
    network: nn.Module,
    splits: dict[str, Split],
    *,
    card: Dataset,
    recipe: Recipe,
    seed: int,
    meter: Meter,
    progress: Callable[[Progress], None] | None = None,
    seconds: float | None = None,
    attempt: Attempt | None = None,
) -> Outcome:
    """Train `network` in place and measure it.

    Parameters
    ----------
    network
        Freshly initialised. If it has a method `at_step(step)`, that is called before each step (dropout draws from there).
    splits
        train, validation and test, from `training.data.load`.
    card, recipe, seed
        Of the task.
    meter
        Counts what the training costs, on the device where it happens; network and data are moved there.
    progress
        Called after every epoch.
    seconds
        Wall seconds of all attempts after which the training ends with the verdict "over_time", None for no limit.
    attempt
        How it is taken up and left; None to begin anew, keep nothing and go on to the end.

    Raises
    ------
    Halted
        If the attempt was told to stop.
    RecipeError
        If the recipe does not suit the dataset.
    """
    check_recipe(card, recipe)
    run = _Run(network, splits, card=card, recipe=recipe, seed=seed, meter=meter, seconds=seconds)
    attempt = attempt or Attempt()
    history: list[Json] = []
    if attempt.begun is not None:
        history = run.take_up(attempt.begun)
    try:
        for epoch in range(len(history), recipe.epochs):
            history.append({})
            history[-1]["train"] = run.checked(run.epoch(epoch))
            history[-1]["validation"] = run.checked(run.evaluate("validation"))
            stopping = attempt.stop()
            kept = run.keep(attempt, history, stopping=stopping)
            if progress is not None:
                left = run.elapsed() / (epoch + 1) * (recipe.epochs - epoch - 1)
                progress(Progress(epoch + 1, recipe.epochs, history[-1], left, attempt.kept))
            if stopping and (kept or epoch + 1 < recipe.epochs):
                raise Halted(attempt.kept)
        last = history[-1] if history else {name: run.checked(run.evaluate(name)) for name in ("train", "validation")}
        metrics = {**last, "test": run.checked(run.evaluate("test"))}
    except _Stopped as ending:
        verdict = str(ending)
        if verdict == "over_time" and history and "validation" not in history[-1]:
            history.pop()  # an epoch that was cut short was not measured
        return Outcome(verdict, curves_of(history, metric=card.metric), no_metrics(list(splits), metric=card.metric))
    return Outcome("trained", curves_of(history, metric=card.metric), metrics)


class _Run:
    """One training under way: epochs and evaluations on the same network."""

    def __init__(
        self,
        network: nn.Module,
        splits: dict[str, Split],
        *,
        card: Dataset,
        recipe: Recipe,
        seed: int,
        meter: Meter,
        seconds: float | None,
    ) -> None:
        self._card, self._recipe, self._seed, self._meter, self._device = card, recipe, seed, meter, meter.device
        self._network = network.to(self._device)
        self._splits = {name: Split(split.x.to(self._device), split.y.to(self._device)) for name, split in splits.items()}
        self._began, self._seconds = time.monotonic(), math.inf if seconds is None else seconds
        self._evaluated = 0.0  # what the last evaluation took for one sample [s]
        self._trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._optimiser = optimiser_of(self._trainable, recipe)
        self._images = Augmentation(self._splits["train"].x, card=card, recipe=recipe, seed=seed)
        samples = len(splits["train"].y)
        self._batches = max(1, samples // recipe.batch_size)  # the last, smaller batch is left out unless it is the only one
        self._set_step: Callable[[int], None] | None = getattr(network, "at_step", None)  # what is opaque draws by itself

    def take_up(self, begun: State) -> list[Json]:
        """Go on from where an earlier attempt had come to; what it measured."""
        self._began -= begun.seconds
        self._meter.go_on_from(begun.cost)
        take_up(begun, self._network, self._optimiser, device=self._device)
        return list(begun.history)

    def keep(self, attempt: Attempt, history: list[Json], *, stopping: bool) -> bool:
        """Keep the epoch that is over, if that is worth it; whether it was kept."""
        last = len(history) == self._recipe.epochs
        ahead = self._evaluated * len(self._splits["test"].y) if last else math.inf

        def state() -> State:
            content = content_of(self._network, self._optimiser, self._device)
            epochs, seconds, cost = self._recipe.epochs, self.elapsed(), self._meter.cost()
            return State(epochs=epochs, history=history, seconds=seconds, cost=cost, **content)

        return attempt.keep(state, seconds=self.elapsed(), ahead=ahead, stopping=stopping)

    def epoch(self, epoch: int) -> dict[str, float]:
        """Go once through the training split; the mean loss and metric on the way."""
        with self._meter.training():
            recipe, targets, average = self._recipe, self._splits["train"].y, Average(self._card, self._device)
            self._network.train()
            self._images.begin(epoch)
            order = torch.from_numpy(Stream(self._seed, "batches", epoch).permutation(len(targets))).to(self._device)  # (N,)
            for batch in range(self._batches):
                self._check_time()
                step, start = epoch * self._batches + batch, batch * recipe.batch_size
                chosen = order[start : start + recipe.batch_size]  # (B,)
                x, y = self._images.batch(chosen, start), targets.index_select(0, chosen)  # (B, C, H, W), (B,)
                if self._set_step is not None:
                    self._set_step(step)
                scores = self._forward(x)  # (B, K)
                loss = loss_of(recipe.loss, scores, y, label_smoothing=recipe.label_smoothing)  # ()
                average.add(loss, scores, y)
                if loss.requires_grad:  # a network without a trainable parameter is only measured
                    self._update(loss, step)
            return average.read()

    def evaluate(self, name: str) -> dict[str, float]:
        """Mean loss and metric on a split, the network in evaluation mode."""
        with self._meter.evaluation(), torch.inference_mode():
            split, average, began = self._splits[name], Average(self._card, self._device), time.monotonic()
            self._network.eval()
            for start in range(0, len(split.y), EVALUATION_BATCH):
                self._check_time()
                x, y = split.x[start : start + EVALUATION_BATCH], split.y[start : start + EVALUATION_BATCH]
                scores = self._forward(x)  # (B, K)
                average.add(loss_of(self._recipe.loss, scores, y), scores, y)
            measured = average.read()
            self._evaluated = (time.monotonic() - began) / max(1, len(split.y))
            return measured

    def checked(self, measured: dict[str, float]) -> dict[str, float]:
        """`measured`, if all of it is finite; else the training has diverged."""
        if not finite(measured.values()):
            raise _Stopped("diverged")
        return measured

    def elapsed(self) -> float:
        """Seconds of training, those of earlier attempts too."""
        return time.monotonic() - self._began

    def _check_time(self) -> None:
        if self.elapsed() > self._seconds:
            raise _Stopped("over_time")

    def _forward(self, x: Tensor) -> Tensor:
        mixed = self._recipe.precision == "bfloat16"
        with torch.autocast(self._device.type, dtype=torch.bfloat16) if mixed else contextlib.nullcontext():
            scores: Tensor = self._network(x)
        return scores.float()

    def _update(self, loss: Tensor, step: int) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self._recipe, step, self._batches)
        for parameter in self._trainable:  # zero_grad, without its bookkeeping
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if self._recipe.gradient_clipping is not None:
            nn.utils.clip_grad_norm_(self._trainable, self._recipe.gradient_clipping)
        self._optimiser.step()
