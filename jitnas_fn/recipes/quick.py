"""A few seconds on a laptop: a small CNN reaches 98% on digits."""

from jitnas_fn.core.recipe import Recipe

RECIPE = Recipe(
    name="quick",
    epochs=12,
    batch_size=32,
    learning_rate=0.05,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    schedule="cosine",
    warmup_epochs=1,
)
