"""Two ways to search for a perceptron for digits, just in time: what one has trained costs the other nothing."""

from jitnas_fn import Client
from jitnas_fn.core import shelf
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.search import search
from jitnas_fn.searchers.evolution import Evolution
from jitnas_fn.searchers.random_search import RandomSearch

problem = Problem(
    space=shelf.take("spaces", "mlp").SPACE,
    dataset=shelf.take("datasets", "digits").DATASET,
    recipe=shelf.take("recipes", "quick").RECIPE,
    seed=0,
)
with Client() as client:
    for method in (RandomSearch, Evolution):
        found = search(method(problem, seed=0), client, seed=0, evaluations=16)
        new = sum(step.source == "trained" for step in found.steps)
        print(f"{found.method:<14} {new:>2} of {len(found.steps)} trained  best {found.point}")
        print(f"{'':<14} validation {found.validation:.4f}, test {found.test:.4f}, which it has not seen before")
