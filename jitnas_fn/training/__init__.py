"""From a network, a dataset and a recipe to curves and metrics."""
