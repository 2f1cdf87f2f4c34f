import dataclasses
import subprocess
import sys

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import OutputMismatch, RecipeError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training.shapes import check_fit, check_recipe, input_shape, output_shape

DIGITS = shelf.take("datasets", "digits").DATASET
REGRESSION = dataclasses.replace(DIGITS, name="heights", task="regression", outputs=1, metric="mse", input_shape=(12,))
PLAIN = Recipe(epochs=1, batch_size=8, learning_rate=0.1)


def test_the_network_sees_the_dataset_as_it_is_or_resized():
    assert input_shape(DIGITS, PLAIN) == (1, 8, 8)
    assert input_shape(DIGITS, dataclasses.replace(PLAIN, resolution=5)) == (1, 5, 5)
    assert output_shape(DIGITS) == (10,)


def test_what_is_no_image_cannot_be_resized():
    with pytest.raises(RecipeError, match="resolution is for images"):
        input_shape(REGRESSION, dataclasses.replace(PLAIN, resolution=5))


@pytest.mark.parametrize(
    ("card", "changes", "words"),
    [
        (DIGITS, {"loss": "mse"}, "loss mse does not suit classification"),
        (REGRESSION, {}, "loss cross_entropy does not suit regression"),
        (REGRESSION, {"loss": "mse", "label_smoothing": 0.1}, "label_smoothing needs"),
        (REGRESSION, {"loss": "mse", "flip": True}, "flip is for images"),
        (REGRESSION, {"loss": "mse", "shift": 2}, "shift is for images"),
        (dataclasses.replace(DIGITS, task="sequence"), {}, "task sequence; this version trains"),
    ],
)
def test_a_recipe_that_does_not_suit_the_dataset_is_refused(card, changes, words):
    with pytest.raises(RecipeError, match=words):
        check_recipe(card, dataclasses.replace(PLAIN, **changes))


def test_a_recipe_that_suits_is_let_through():
    check_recipe(DIGITS, dataclasses.replace(PLAIN, flip=True, shift=1, resolution=12, label_smoothing=0.1))
    check_recipe(REGRESSION, dataclasses.replace(PLAIN, loss="mse"))


@pytest.mark.parametrize(
    ("seen", "dtype", "answered", "words"),
    [
        ((3, 8, 8), "float32", (10,), r"made for input 3×8×8 float32; digits has 1×8×8 float32"),
        ((1, 8, 8), "float64", (10,), r"made for input 1×8×8 float64"),
        ((1, 8, 8), "float32", (7,), r"answers 7 for one sample; digits needs 10, one for each of its 10 classes"),
        ((1, 8, 8), "float32", (10, 2, 2), r"answers 10×2×2"),
        ((1, 8, 8), "float32", (), r"answers a single number"),
        ((1, 8, 8), "float32", "2 outputs", r"answers 2 outputs"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_in_words(seen, dtype, answered, words):
    with pytest.raises(OutputMismatch, match=words):
        check_fit(DIGITS, PLAIN, seen=seen, dtype=dtype, answered=answered)


def test_a_network_that_fits_is_let_through():
    check_fit(DIGITS, PLAIN, seen=(1, 8, 8), dtype="float32", answered=(10,))


def test_shapes_and_curves_need_no_torch():
    script = "import sys, jitnas_fn.training.shapes, jitnas_fn.training.curves; print({'torch', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "set()"
