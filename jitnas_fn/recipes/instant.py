"""No epoch at all: the network is built and evaluated once. For tests, and to measure what a task costs besides training."""

from jitnas_fn.core.recipe import Recipe

RECIPE = Recipe(name="instant", epochs=0, batch_size=64, learning_rate=0.0)
