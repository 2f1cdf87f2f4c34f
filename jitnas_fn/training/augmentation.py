"""The training images of one epoch, mirrored and moved. N images, B per batch, C channels, H by W pixels, S largest shift."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.tracing.streams import Stream


class Augmentation:
    """Gives batches of training images.

    Image number i of an epoch is mirrored if coin i of the stream (seed, "augmentation", epoch, 0) says so, then moved down
    and right by words 2i and 2i+1 of the stream (seed, "augmentation", epoch, 1), each taken modulo 2S+1, less S. What
    comes in at the borders is 0 in the dataset's raw units.

    Parameters
    ----------
    images
        All training images as the network sees them, shape (N, C, H, W); of any shape (N, ...) without flip and shift.
    card, recipe, seed
        Of the task.
    """

    def __init__(self, images: Tensor, *, card: Dataset, recipe: Recipe, seed: int) -> None:
        self._flip, self._shift, self._seed = recipe.flip, recipe.shift, seed
        self._images = _bordered(images, card, recipe.shift)
        self._height, self._width = images.shape[-2:] if recipe.flip or recipe.shift else (0, 0)

    def begin(self, epoch: int) -> None:
        """Draw the numbers of an epoch, the first being 0."""
        count, device = len(self._images), self._images.device
        if not self._flip and not self._shift:
            return
        mirrored = Stream(self._seed, "augmentation", epoch, 0).coins(count, 0.5 if self._flip else 0.0)  # (N,)
        words = Stream(self._seed, "augmentation", epoch, 1).words(2 * count) % np.uint64(2 * self._shift + 1)
        down, right = torch.from_numpy(words.astype(np.int64)).to(device).reshape(count, 2, 1).unbind(1)  # (N, 1) each
        rows, columns = (torch.arange(size, device=device) for size in (self._height, self._width))
        mirror = torch.from_numpy(mirrored).to(device)[:, None]  # (N, 1)
        self._rows = rows + 2 * self._shift - down  # (N, H)
        self._columns = torch.where(mirror, columns.flip(0) + right, columns + 2 * self._shift - right)  # (N, W)

    def batch(self, chosen: Tensor, start: int) -> Tensor:
        """The images numbered `chosen`, shape (B,), of which the first is number `start` of the epoch: (B, C, H, W)."""
        if not self._flip and not self._shift:
            return self._images.index_select(0, chosen)
        rows = self._rows[start : start + len(chosen), None, :, None]  # (B, 1, H, 1)
        columns = self._columns[start : start + len(chosen), None, None, :]  # (B, 1, 1, W)
        channels = torch.arange(self._images.shape[1], device=chosen.device)[None, :, None, None]  # (1, C, 1, 1)
        return self._images[chosen[:, None, None, None], channels, rows, columns]


def _bordered(images: Tensor, card: Dataset, border: int) -> Tensor:
    if not border:
        return images
    black = torch.tensor([-mean / std for mean, std in zip(card.mean, card.std, strict=True)], device=images.device)
    black = black.reshape(1, -1, 1, 1)
    return functional.pad(images - black, (border,) * 4) + black  # (N, C, H+2S, W+2S)
