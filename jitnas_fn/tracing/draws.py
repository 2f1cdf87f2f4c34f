"""Where a rebuilt network takes its random numbers from while it runs."""

from typing import Protocol

import torch

from jitnas_fn.tracing.streams import Stream


class Draws(Protocol):
    """Random numbers for the operations of a network; `number` is the operation's canonical index."""

    def at_step(self, step: int) -> None:
        """Say which training step comes."""
        ...

    def kept(self, number: int, shape: list[int], keep: float) -> torch.Tensor:
        """Truths of this shape, each true with probability `keep`."""
        ...

    def kept_samples(self, number: int, shape: list[int], keep: float) -> torch.Tensor:
        """Truths of this shape, one for each sample, each true with probability `keep`."""
        ...

    def noise(self, number: int, kind: str, p: float | None, shape: list[int]) -> torch.Tensor:
        """Numbers of this shape: uniform in [0, 1), standard normal, or coins that are 1 with probability p and else 0."""
        ...


class Seeded:
    """Draws from streams under (seed, purpose, operation, step).

    Parameters
    ----------
    seed
        Of the task.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.step = seed, 0

    def at_step(self, step: int) -> None:
        """Say which training step comes."""
        self.step = step

    def _stream(self, purpose: str, number: int) -> Stream:
        return Stream(self.seed, purpose, number, self.step)

    def kept(self, number: int, shape: list[int], keep: float) -> torch.Tensor:
        """Truths of this shape, each true with probability `keep`."""
        count = torch.Size(shape).numel()
        return torch.from_numpy(self._stream("dropout", number).coins(count, keep)).reshape(shape)

    kept_samples = kept

    def noise(self, number: int, kind: str, p: float | None, shape: list[int]) -> torch.Tensor:
        """Numbers of this shape, float64."""
        stream, count = self._stream("noise", number), torch.Size(shape).numel()
        if kind == "coins":
            return torch.from_numpy(stream.coins(count, p or 0.0)).reshape(shape)
        return torch.from_numpy(stream.uniform(count) if kind == "uniform" else stream.normal(count)).reshape(shape)
