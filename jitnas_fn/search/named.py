"""What is searched for, by the names of things."""

from collections.abc import Sequence

from jitnas_fn.client.request import card_of
from jitnas_fn.client.tables import aliases
from jitnas_fn.core import shelf
from jitnas_fn.core.cards import recipe_named
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.graphs.fidelities import cheaper_by
from jitnas_fn.graphs.problem import Problem


def problem_named(
    space: str,
    dataset: str,
    recipe: str | Recipe,
    *,
    seed: int,
    cheaper_epochs: Sequence[int] = (),
    cheaper_fractions: Sequence[float] = (),
    most_parameters: int | None = None,
    most_macs: int | None = None,
) -> Problem:
    """The problem of which `compare` tells the parameters.

    Raises
    ------
    UnknownName
        If something has no such name; the message lists those there are.
    TaskError
        If nothing can be trained so.
    """
    plan = own_recipe(recipe)
    return Problem(
        space=shelf.take("spaces", space).SPACE,
        dataset=card_of(dataset),
        recipe=plan,
        seed=seed,
        cheaper=cheaper_by(plan, epochs=cheaper_epochs, data_fractions=cheaper_fractions),
        most_parameters=most_parameters,
        most_macs=most_macs,
        aliases=aliases(),
    )


def own_recipe(recipe: str | Recipe) -> Recipe:
    """A recipe that something can be trained by; raises `UnknownName`, or `TaskError` for one of a published table."""
    plan = recipe if isinstance(recipe, Recipe) else recipe_named(recipe)
    if isinstance(plan, Published):
        raise TaskError(
            f"nothing is trained by {plan.name}, which is of a published table: jitnas compare --replay searches there"
        )
    return plan
