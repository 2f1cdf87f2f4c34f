"""Whatever file lies on the shelf of datasets has passed these."""

import subprocess
import sys

import numpy as np
import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.dataset import TASK_KINDS, Dataset
from jitnas_fn.training.data import content_hash

DATASETS = shelf.names("datasets")


@pytest.fixture(params=DATASETS)
def dataset(request):
    return shelf.take("datasets", request.param)


def test_the_pinned_hash_is_that_of_the_content(dataset):
    assert content_hash(dataset.DATASET, dataset.arrays()) == dataset.DATASET.sha256


def test_the_card_bears_the_name_of_its_file_and_known_words(dataset):
    card = dataset.DATASET
    assert isinstance(card, Dataset)
    assert card.name == dataset.__name__.rpartition(".")[2]
    assert card.task in TASK_KINDS
    assert card.direction in {"maximise", "minimise"}
    assert [split for split, _ in card.splits] == ["train", "validation", "test"]
    assert card.licence
    assert card.source
    assert len(card.labels) == card.outputs


def test_arrays_have_the_shapes_that_the_card_states(dataset):
    card, arrays = dataset.DATASET, dataset.arrays()
    for split, count in card.splits:
        assert arrays[f"{split}_x"].shape == (count, *card.input_shape)
        assert len(arrays[f"{split}_y"]) == count


def test_scaling_is_that_of_the_training_split(dataset):
    card, x = dataset.DATASET, dataset.arrays()["train_x"]
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(card.mean, x.mean(axes), rtol=5e-3)
    np.testing.assert_allclose(card.std, x.std(axes), rtol=5e-3)


def test_no_sample_is_in_two_splits(dataset):
    card, arrays = dataset.DATASET, dataset.arrays()
    rows = [{row.tobytes() for row in arrays[f"{split}_x"]} for split, _ in card.splits]
    assert len(set().union(*rows)) == sum(map(len, rows))


def test_every_split_has_the_classes_in_equal_shares(dataset):
    card, arrays = dataset.DATASET, dataset.arrays()
    if card.task != "classification":
        pytest.skip("has no classes")
    shares = []
    for split, count in card.splits:
        y = arrays[f"{split}_y"]
        assert y.dtype == np.int64
        shares.append(np.bincount(y, minlength=card.outputs) / count)
    np.testing.assert_allclose(shares, np.broadcast_to(shares[0], np.shape(shares)), atol=0.01)


def test_a_card_is_read_without_numpy_and_torch():
    heavy = "{'numpy', 'torch', 'sklearn'} & set(sys.modules)"
    script = f"import sys; from jitnas_fn.core.shelf import take; [take('datasets', n) for n in {DATASETS}]; print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
