"""Longer, with label smoothing and images moved by up to a pixel: for numbers that are to be compared."""

from jitnas_fn.core.recipe import Recipe

RECIPE = Recipe(
    name="standard",
    epochs=60,
    batch_size=64,
    learning_rate=0.1,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    schedule="cosine",
    warmup_epochs=3,
    shift=1,
    label_smoothing=0.1,
)
