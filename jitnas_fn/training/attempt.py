"""One of maybe several attempts at a training: where it begins, where it keeps what it comes to, and what halts it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jitnas_fn.core.codec import Json
from jitnas_fn.training.state import State


class Keeper(Protocol):
    """Keeps what a training came to, so that another attempt can go on from there; `training.checkpoint.Checkpoints`.

    Attributes
    ----------
    kept
        The last epoch that was kept; 0 for none.
    every_seconds
        Work of less than that need not be kept. [s]
    """

    kept: int
    every_seconds: float

    def due(self, seconds: float) -> bool:
        """Whether the epoch that is over is to be kept, at that many seconds of training."""
        ...

    def save(self, state: State) -> bool:
        """Keep a state; whether that was possible."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How a training is taken up and left.

    Attributes
    ----------
    begun
        Where an earlier attempt had come to, one that `training.state.fits`; None to begin anew. Its tensors are used up.
    keeper
        Keeps epochs; None to keep none.
    stop
        Asked after each epoch; once it says yes, the epoch is kept and the training halts.
    """

    begun: State | None = None
    keeper: Keeper | None = None
    stop: Callable[[], bool] = lambda: False

    @property
    def kept(self) -> int:
        """The epoch from which another attempt could go on; 0 for none."""
        return 0 if self.keeper is None else self.keeper.kept

    def keep(self, state: Callable[[], State], *, seconds: float, ahead: float, stopping: bool) -> bool:
        """Keep the epoch that is over, if it is worth it, or the last before a stop; whether it was kept.

        Parameters
        ----------
        state
            Makes what is kept.
        seconds
            What the training took so far. [s]
        ahead
            What it still takes; less than may be lost is not worth a file. [s]
        stopping
            Whether it halts now.
        """
        if self.keeper is None or ahead < self.keeper.every_seconds:
            return False
        return (stopping or self.keeper.due(seconds)) and self.keeper.save(state())


@dataclass(frozen=True, slots=True)
class Progress:
    """An epoch is over.

    Attributes
    ----------
    epoch, epochs
        How many of how many.
    metrics
        What was measured: {split: {metric: value}}.
    seconds_left
        What the rest takes, as it went so far. [s]
    kept
        The epoch from which another attempt could go on; 0 for none.
    """

    epoch: int
    epochs: int
    metrics: Json
    seconds_left: float
    kept: int


class Halted(Exception):
    """The training stopped between two epochs because it was told to.

    Attributes
    ----------
    kept
        The epoch from which another attempt can go on; 0 if it must begin anew.
    """

    def __init__(self, kept: int) -> None:
        super().__init__(f"stopped between two epochs; epoch {kept} is kept")
        self.kept = kept
