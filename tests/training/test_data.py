import dataclasses

import numpy as np
import pytest
import torch

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import DatasetError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training import data
from jitnas_fn.training.data import content_hash, load, prepared, subset

SYNTHETIC = shelf.take("datasets", "synthetic").DATASET
ARRAYS = shelf.take("datasets", "synthetic").arrays()
PLAIN = Recipe(epochs=1, batch_size=8, learning_rate=0.1)

OTHER_CONTENT = {
    "task": "sequence",
    "input_dtype": "float64",
    "outputs": 5,
    "labels": ("a", "b", "c", "d"),
    "metric": "mse",
    "direction": "minimise",
    "mean": (1.0,),
    "std": (1.0,),
}
SAME_CONTENT = {"name": "other", "version": "2", "sha256": "0" * 64, "unit": "percent", "licence": "MIT", "source": "elsewhere"}


@pytest.mark.parametrize("field", OTHER_CONTENT)
def test_what_is_learned_is_part_of_the_hash(field):
    other = dataclasses.replace(SYNTHETIC, **{field: OTHER_CONTENT[field]})
    assert content_hash(other, ARRAYS) != SYNTHETIC.sha256


@pytest.mark.parametrize("field", SAME_CONTENT)
def test_names_and_terms_are_not_part_of_the_hash(field):
    other = dataclasses.replace(SYNTHETIC, **{field: SAME_CONTENT[field]})
    assert content_hash(other, ARRAYS) == SYNTHETIC.sha256


def _one_pixel_changed(x):
    x = x.copy()
    x[3, 0, 4, 4] ^= 1
    return x


@pytest.mark.parametrize("change", [_one_pixel_changed, lambda x: x.astype(np.int16), lambda x: x.reshape(-1, 1, 4, 16)])
def test_pixels_dtypes_and_shapes_are_part_of_the_hash(change):
    assert content_hash(SYNTHETIC, {**ARRAYS, "test_x": change(ARRAYS["test_x"])}) != SYNTHETIC.sha256


def test_memory_layout_and_byte_order_are_not_part_of_the_hash():
    turned = {name: np.asfortranarray(values.astype(values.dtype.newbyteorder(">"))) for name, values in ARRAYS.items()}
    assert content_hash(SYNTHETIC, turned) == SYNTHETIC.sha256


def test_splits_that_are_missing_or_of_another_length_are_refused():
    with pytest.raises(DatasetError, match="its card names"):
        content_hash(SYNTHETIC, {"train_x": ARRAYS["train_x"]})
    with pytest.raises(DatasetError, match="128 numbers were stated"):
        content_hash(SYNTHETIC, {**ARRAYS, "test_y": ARRAYS["test_y"][1:]})
    with pytest.raises(DatasetError, match="object"):
        content_hash(SYNTHETIC, {**ARRAYS, "test_y": ARRAYS["test_y"].astype(object)})


def test_content_without_the_pinned_hash_is_an_error_that_names_both():
    card = dataclasses.replace(SYNTHETIC, sha256="1" * 64)
    with pytest.raises(DatasetError, match=f"{SYNTHETIC.sha256}.*{'1' * 64}"):
        load(card, PLAIN)


def test_arrays_are_made_once_per_process(monkeypatch):
    data.raw.cache_clear()
    load(SYNTHETIC, PLAIN)
    monkeypatch.setattr(shelf, "take", lambda *_: pytest.fail("asked the shelf again"))
    load(SYNTHETIC, PLAIN)


def test_the_network_sees_scaled_floats_and_integer_labels():
    train = load(SYNTHETIC, PLAIN)["train"]
    raw = torch.from_numpy(ARRAYS["train_x"].astype("float32"))
    assert train.x.dtype == torch.float32
    assert train.y.dtype == torch.int64
    torch.testing.assert_close(train.x, (raw - SYNTHETIC.mean[0]) / SYNTHETIC.std[0])
    assert abs(float(train.x.mean())) < 0.01
    assert abs(float(train.x.std()) - 1) < 0.01


def test_a_fraction_takes_the_same_share_of_every_class_and_only_of_training():
    splits = load(SYNTHETIC, dataclasses.replace(PLAIN, data_fraction=0.25))
    assert torch.bincount(splits["train"].y).tolist() == [32, 32, 32, 32]
    assert len(splits["test"].y) == 128


def test_a_larger_fraction_contains_the_smaller_one():
    labels = ARRAYS["train_y"]
    small, large = subset(labels, 0.1), subset(labels, 0.4)
    assert set(small) < set(large)
    assert small.tolist() == sorted(small)


def test_the_smallest_fraction_leaves_one_sample_of_each_class():
    assert sorted(ARRAYS["train_y"][subset(ARRAYS["train_y"], 1e-6)]) == [0, 1, 2, 3]


@pytest.mark.parametrize("resolution", [4, 8, 12])
def test_images_are_resized(resolution):
    splits = load(SYNTHETIC, dataclasses.replace(PLAIN, resolution=resolution))
    assert splits["validation"].x.shape == (128, 1, resolution, resolution)
    assert bool(torch.isfinite(splits["validation"].x).all())


def test_regression_targets_are_floats_with_a_column_each():
    card = dataclasses.replace(SYNTHETIC, task="regression", outputs=1)
    splits = prepared(card, ARRAYS, dataclasses.replace(PLAIN, data_fraction=0.5))
    assert splits["train"].y.shape == (256, 1)
    assert splits["train"].y.dtype == torch.float32
