"""`jitnas explain`."""

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.model_file import model_in
from jitnas_fn.client.client import Client


def explain(
    target: options.Target,
    *,
    dataset: options.Dataset,
    recipe: options.Recipe,
    seed: options.Seed = 0,
    initialisation: options.Initialisation = "as built",
    validate: options.Validate = True,
    limit_seconds: options.LimitSeconds = None,
    limit_memory: options.LimitMemory = None,
    as_json: options.AsJson = False,
) -> None:
    """Why a look-up missed: what is known of the model under another seed, recipe, dataset version or limit, and of others.

    The others are the nearest architectures with records on the dataset: how many layers differ, how, and what they reached.
    """
    with answering(as_json=as_json) as answer:
        found = Client().explain(
            model_in(target),
            dataset=dataset,
            recipe=recipe,
            seed=seed,
            limits=options.limits_of(limit_seconds, limit_memory),
            initialisation=initialisation,
            validate=validate,
        )
        answer.give(found.to_dict(), text=str(found))


COMMAND = explain
