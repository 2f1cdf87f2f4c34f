"""`jitnas space list`."""

import random

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json

EXAMPLE_SEED = 0
MOST_DIGITS = 7  # of a size that is written out


def list_(*, as_json: options.AsJson = False) -> None:
    """The search spaces there are: how many points each has, what it is, and a point as an example."""
    with answering(as_json=as_json) as answer:
        found = [_about(name) for name in shelf.names("spaces")]
        answer.give({"spaces": found}, text=_table(found))


def _about(name: str) -> Json:
    space = shelf.take("spaces", name).SPACE
    return {
        "name": name,
        "size": space.size,
        "about": space.about,
        "example": space.written(space.sample(random.Random(EXAMPLE_SEED))),
    }


def _table(found: list[Json]) -> str:
    sizes = [f"{one['size']:,}" if one["size"] < 10**MOST_DIGITS else f"{float(one['size']):.1e}" for one in found]
    names, numbers = (max(map(len, column)) for column in ([one["name"] for one in found], sizes))
    lines = [f"{one['name']:<{names}}  {size:>{numbers}}  {one['about']}" for one, size in zip(found, sizes, strict=True)]
    return "\n".join([f"{'space':<{names}}  {'points':>{numbers}}  what it is", *lines])


COMMAND = list_
