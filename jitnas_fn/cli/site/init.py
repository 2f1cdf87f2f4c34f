"""`jitnas site init`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.site import _keeping
from jitnas_fn.cli.site._fields import FIELDS, field_named, value_of
from jitnas_fn.cli.site._filling import fields_of, filled, is_open
from jitnas_fn.cli.site._known import known_here, with_cluster
from jitnas_fn.cli.site._places import USUAL, new_endpoint
from jitnas_fn.cli.site._profiles import SITE, Profile, profile_named
from jitnas_fn.cli.site._writing import write
from jitnas_fn.core.codec import Json


def init(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="slurm, comet, bede, laptop, or shared (by root).")],
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Of the endpoint.")] = USUAL,
    stated: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="What the site states; again for more, and for each line of a list."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the folder of an endpoint, with what this site states filled in. Nothing that is there is overwritten.

    What a profile needs and no --set gives is asked for on a terminal. Nothing is started or registered.
    """
    with answering(as_json=as_json) as answer:
        chosen = profile_named(profile)
        given = _given(stated or (), chosen)
        folder = new_endpoint(name)
        values = _complete(chosen, folder, given)
        files = {
            **with_cluster(filled(chosen, values)),
            _keeping.unit_name(name): _keeping.unit(folder, values, is_shared=chosen.is_shared),
        }
        elsewhere = {Path(values["site_file"]): files.pop(SITE)} if Path(values["site_file"]).parent != folder else {}
        write(folder, files, elsewhere=elsewhere)
        fields = _told(chosen, folder, values, files=[*files, *map(str, elsewhere)])
        answer.give(fields, text=_text(fields))


def _given(stated: Sequence[str], profile: Profile) -> dict[str, Any]:
    """The values of what was set; raises `typer.BadParameter` for what is none, or is not of this profile."""
    words: dict[str, list[str]] = {}
    for one in stated:
        name, equals, word = one.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set takes FIELD=VALUE, not {one[:60]!r}")
        words.setdefault(name.strip(), []).append(word)
    known = [name for name in fields_of(profile) if name in FIELDS]
    for name in words:
        if name not in known:
            raise typer.BadParameter(f"profile {profile.name} has no field {name[:40]!r}; it has {', '.join(known)}")
    return {name: value_of(name, word) for name, word in words.items()}


def _complete(profile: Profile, folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What the profile states, above it what was given or is asked for, and what this machine knows."""
    values = {**fields_of(profile), **given}
    missing = [name for name, value in values.items() if is_open(value)]
    if missing and not sys.stdin.isatty():
        words = "; ".join(f"--set {name}=… ({field_named(name).meaning})" for name in missing)
        raise typer.BadParameter(f"profile {profile.name} needs {words}")
    values |= {name: _asked(name) for name in missing}
    return known_here(values, folder, is_shared=profile.is_shared, has_shims=profile.has_shims)


def _asked(name: str) -> Any:
    field = field_named(name)
    while True:
        word = typer.prompt(field.question, err=True)
        try:
            return value_of(name, [word])
        except typer.BadParameter as reason:
            typer.echo(str(reason), err=True)


def _told(profile: Profile, folder: Path, values: dict[str, Any], *, files: list[str]) -> Json:
    name = folder.name
    return {
        "name": name,
        "profile": profile.name,
        "folder": str(folder),
        "files": sorted(files),
        "site_file": values["site_file"],
        "stated": {field: values[field] for field in FIELDS if field in values},
        "next": [f"jitnas site register {name}", *_keeping.start_commands(folder, is_shared=profile.is_shared)],
        "then": f"jitnas site doctor {name}",
        "by_hand": f"{_keeping.program(values)} start {name}",
        "cron": _keeping.cron_line(folder, values),
    }


def _text(fields: Json) -> str:
    return "\n".join(
        [
            f"wrote {fields['folder']} (profile {fields['profile']}): {', '.join(fields['files'])}",
            "next:",
            *(f"  {command}" for command in fields["next"]),
            f"  {fields['then']}",
            f"or without systemd: {fields['by_hand']}, and this line for crontab -e, which keeps it alive:",
            f"  {fields['cron']}",
        ]
    )


COMMAND = init
