import numpy as np
import pytest

from jitnas_fn.core.errors import DatasetError
from jitnas_fn.datasets import digits


def test_together_the_splits_are_what_scikit_learn_gives():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    arrays = digits.arrays()
    ours = np.concatenate([arrays[f"{split}_x"].reshape(-1, 64) for split in ("train", "validation", "test")])
    our_labels = np.concatenate([arrays[f"{split}_y"] for split in ("train", "validation", "test")])
    together, theirs = np.column_stack([ours, our_labels]), np.column_stack([images, labels])
    assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, theirs.astype(int).tolist()))


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="pip install scikit-learn"):
        digits.arrays()
