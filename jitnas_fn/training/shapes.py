"""What a network, a dataset and a recipe must agree on. Without torch: the client asks before it sends anything."""

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import OutputMismatch, RecipeError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe

# Task kind -> losses that suit it. A kind that is not here cannot be trained by this version.
SUITABLE_LOSSES = {"classification": ("cross_entropy",), "regression": ("mse",), "multi_output": ("mse",)}


def input_shape(card: Dataset, recipe: Recipe | Published) -> tuple[int, ...]:
    """One sample as the network sees it, without the batch: the dataset's own shape, resized if the recipe says so.

    Raises
    ------
    RecipeError
        If the recipe asks for a resolution and the dataset is not one of images.
    """
    if recipe.resolution is None:
        return card.input_shape
    _check_images(card, "resolution")
    return (card.input_shape[0], recipe.resolution, recipe.resolution)


def output_shape(card: Dataset) -> tuple[int, ...]:
    """What the network must answer for one sample: a score per class, or a value per target."""
    return (card.outputs,)


def check_recipe(card: Dataset, recipe: Recipe | Published) -> None:
    """Raise `RecipeError` if the recipe cannot be used on the dataset. What is published was: nothing is trained by it."""
    if isinstance(recipe, Published):
        return
    losses = SUITABLE_LOSSES.get(card.task)
    if losses is None:
        raise RecipeError(f"dataset {card.name} has task {card.task}; this version trains {', '.join(sorted(SUITABLE_LOSSES))}")
    if recipe.loss not in losses:
        raise RecipeError(f"loss {recipe.loss} does not suit {card.task} (dataset {card.name}); {', '.join(losses)} does")
    if recipe.label_smoothing > 0 and recipe.loss != "cross_entropy":
        raise RecipeError(f"label_smoothing needs the loss cross_entropy, not {recipe.loss}")
    for name in ("flip", "shift", "resolution"):
        if getattr(recipe, name):
            _check_images(card, name)


def check_fit(card: Dataset, recipe: Recipe | Published, *, seen: tuple[int, ...], dtype: str, answered: object) -> None:
    """Check that a network fits the dataset before anything is trained.

    Parameters
    ----------
    card, recipe
        Dataset and recipe of the task.
    seen, dtype
        Shape per sample and dtype of the network's input.
    answered
        Shape per sample of its output, a tuple of integers; anything else is a network with several outputs or none.

    Raises
    ------
    OutputMismatch
        If the network's input or output is not the dataset's.
    """
    wanted_in, wanted_out = input_shape(card, recipe), output_shape(card)
    if tuple(seen) != wanted_in or dtype != card.input_dtype:
        raise OutputMismatch(
            f"the network was made for input {_shape(seen)} {dtype}; {card.name} has {_shape(wanted_in)} {card.input_dtype}"
        )
    if answered != wanted_out:
        meaning = f"one for each of its {card.outputs} classes" if card.task == "classification" else f"{card.outputs} targets"
        raise OutputMismatch(
            f"the network answers {_shape(answered)} for one sample; {card.name} needs {_shape(wanted_out)}, {meaning}"
        )


def _check_images(card: Dataset, field: str) -> None:
    if len(card.input_shape) != 3:
        raise RecipeError(f"{field} is for images (channels, height, width); {card.name} has inputs {_shape(card.input_shape)}")


def _shape(shape: object) -> str:
    return "×".join(map(str, shape)) or "a single number" if isinstance(shape, tuple) else str(shape)
