"""Two ways to search for a perceptron for digits, just in time: what is known already costs nothing."""

from jitnas_fn import Client
from jitnas_fn.client.tables import aliases
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.search import search
from jitnas_fn.search.found import Found
from jitnas_fn.search.warm import known_points
from jitnas_fn.searchers.evolution import Evolution
from jitnas_fn.searchers.random_search import RandomSearch
from jitnas_fn.spaces.mlp import SPACE

problem = Problem(
    space=SPACE,
    dataset=card_named("digits"),
    recipe=recipe_named("quick"),
    seed=0,
    aliases=aliases(),  # which fingerprint a point has, once this machine has built it
)


def tell(title: str, found: Found) -> None:
    new = sum(step.source == "trained" for step in found.steps)
    print(f"{title:<28}{new:>2} of {len(found.steps)} trained  best {found.point}")
    print(f"{'':<28}validation {found.validation:.4f}, test {found.test:.4f}, which it has not seen before")


with Client() as client:
    tell("random search", search(RandomSearch(problem, seed=0), client, seed=0, evaluations=16))
    tell("evolution", search(Evolution(problem, seed=0), client, seed=0, evaluations=16))
    tell("the same again, and longer", search(Evolution(problem, seed=0), client, seed=0, evaluations=20))
    warm = known_points(problem, client.store, most=5)  # the best five of all that is known by now
    tell("evolution that knows them", search(Evolution(problem, seed=1), client, seed=1, evaluations=10, warm=warm))
