"""Where a rebuilt network takes its random numbers from while it runs."""

from typing import Any, Protocol

import torch

from jitnas_fn.tracing.streams import Stream


class Draws(Protocol):
    """Random numbers for the operations of a network; `number` is the operation's canonical index."""

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
    """Draws from streams under (seed, purpose, operation, step) of the network that holds them."""

    def __init__(self, network: Any) -> None:
        self._owner = [network]  # in a list, so that it is no submodule of itself

    def _stream(self, purpose: str, number: int) -> Stream:
        network = self._owner[0]
        return Stream(network.seed, purpose, number, network.step)

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
