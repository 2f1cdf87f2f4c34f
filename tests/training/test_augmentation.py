import numpy as np
import pytest
import torch

from jitnas_fn.core import shelf
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.tracing.streams import Stream
from jitnas_fn.training.augmentation import Augmentation
from jitnas_fn.training.data import load

SYNTHETIC = shelf.take("datasets", "synthetic").DATASET
SEED = 7


def _recipe(flip=False, shift=0):
    return Recipe(epochs=1, batch_size=16, learning_rate=0.1, flip=flip, shift=shift)


def _augmented(recipe, epoch=0, seed=SEED):
    images = load(SYNTHETIC, recipe)["train"].x
    augmentation = Augmentation(images, card=SYNTHETIC, recipe=recipe, seed=seed)
    augmentation.begin(epoch)
    order = torch.arange(len(images)).flip(0)
    return images[order], torch.cat(
        [augmentation.batch(order[start : start + 16], start) for start in range(0, len(order), 16)]
    )


def test_without_augmentation_images_come_as_they_are():
    before, after = _augmented(_recipe())
    assert torch.equal(before, after)


def test_every_image_is_as_the_documented_streams_say():
    before, after = _augmented(_recipe(flip=True, shift=2), epoch=3)
    count, black = len(before), -SYNTHETIC.mean[0] / SYNTHETIC.std[0]
    mirrored = Stream(SEED, "augmentation", 3, 0).coins(count, 0.5)
    moves = (Stream(SEED, "augmentation", 3, 1).words(2 * count) % np.uint64(5)).astype(int).reshape(count, 2) - 2
    for image, wanted, flip, (down, right) in zip(after[:48], before, mirrored, moves, strict=False):
        source, moved = wanted.flip(-1) if flip else wanted, torch.full((1, 8, 8), black)
        for row in range(8):
            for column in range(8):
                if 0 <= row - down < 8 and 0 <= column - right < 8:
                    moved[0, row, column] = source[0, row - down, column - right]
        torch.testing.assert_close(image, moved)


@pytest.mark.parametrize("recipe", [_recipe(flip=True), _recipe(shift=1)], ids=["flip", "shift"])
def test_epochs_and_seeds_differ_and_repeat(recipe):
    _, first = _augmented(recipe)
    _, again = _augmented(recipe)
    _, later = _augmented(recipe, epoch=1)
    _, other = _augmented(recipe, seed=8)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, other)


def test_half_of_the_images_are_mirrored():
    before, after = _augmented(_recipe(flip=True))
    same = sum(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert 0.4 < same / len(before) < 0.6
