"""`jitnas cache verify`."""

from typing import Annotated

import typer

from jitnas_fn import settings
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.cache._words import place_named
from jitnas_fn.cli.counting import counting
from jitnas_fn.cli.failures import FAILURE, FOUND
from jitnas_fn.client.cache import published
from jitnas_fn.core.codec import Json
from jitnas_fn.core.interfaces import Store
from jitnas_fn.stores.careful import shown
from jitnas_fn.stores.places import CACHE, CACHE_FILE, SNAPSHOT, Place
from jitnas_fn.stores.snapshot import MANIFEST


def verify(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="The file of a cache, or the folder of a shared store or snapshot; if not given, your cache and the published "
            "snapshot.",
        ),
    ] = None,
    *,
    as_json: options.AsJson = False,
) -> None:
    """Read everything that is kept and check it: hashes, keys, seals, documents. Exits with 1 if anything is bad.

    Bad are lines that do not verify, documents that this jitnas_fn cannot read, records whose document is missing, and files
    that are not what manifest or catalogue state. Torn ends are counted apart: somebody may be writing them.
    """
    from jitnas_fn.stores.verification import joined  # with all that reads documents
    from jitnas_fn.stores.verification import verify as verified

    with answering(as_json=as_json) as answer:
        places = _places(path)
        with counting("verifying", of_bytes=True) as progress:
            found = [verified(place, behind=behind, progress=progress) for place, behind in places]
        fields = {**joined(found), "stores": [{"kind": place.kind, "path": str(place.path)} for place, _ in places]}
        answer.give(fields, text=_told(fields))
    raise typer.Exit(FAILURE if fields["bad"] else FOUND)


def _places(path: str | None) -> list[tuple[Place, Store | None]]:
    """What is to be verified, and what is looked up behind it."""
    cache = Place(CACHE, settings.home() / CACHE_FILE)
    if path is None:
        snapshot = settings.snapshot()
        is_there = (snapshot / MANIFEST).is_file()
        return [*([(Place(SNAPSHOT, snapshot), None)] if is_there else []), (cache, published())]
    place = place_named(path)
    is_own = place.kind == CACHE and cache.path.exists() and place.path.samefile(cache.path)
    return [(place, published() if is_own else None)]


def _told(fields: Json) -> str:
    counts = {name: f"{number:,}" for name, number in fields.items() if isinstance(number, int)}
    where = " and ".join(shown(store["path"]) for store in fields["stores"])
    there = f"{counts['records']} records, {counts['architectures']} architectures, {counts['retractions']} retractions"
    besides = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in ("duplicates", "torn") if fields[name])
    head = f"{'nothing' if not fields['bad'] else counts['bad']} bad: {there}{', ' + besides if besides else ''} in {where}"
    lines = [f"  {one['file']}{':' + str(one['line']) if one['line'] else ''}: {one['what']}" for one in fields["problems"]]
    return "\n".join([head, *lines, *([f"  and {counts['more']} more"] if fields["more"] else [])])


COMMAND = verify
