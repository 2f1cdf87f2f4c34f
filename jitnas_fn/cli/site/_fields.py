"""What a site states: each field's name, what it may be, and how it is asked for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from jitnas_fn.backends._blocks import GPU_REQUESTS, MOST, WORD
from jitnas_fn.core.bounds import LARGEST_WHOLE
from jitnas_fn.worker.site import DEVICES

PLAIN_PATH = re.compile(r"/[\w./+@=,-]*", re.ASCII)  # goes into commands of shell as it is
WALLTIME = re.compile(r"(?!00:0[0-4])[0-9]{2}:[0-5][0-9]:[0-5][0-9]")
EMAIL = re.compile(r"[^\s@\"]+@[^\s@\"]+\.[^\s@\"]+")
DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a site states.

    Attributes
    ----------
    question
        As it is put on a terminal.
    meaning
        What it may be, in words.
    value_of
        The value in the words that were given, one for each `--set`; raises `ValueError` for what is none.
    """

    question: str
    meaning: str
    value_of: Callable[[Sequence[str]], Any]


def field_named(name: str) -> Field:
    """A field; raises `typer.BadParameter` if there is none of that name."""
    if name not in FIELDS:
        raise typer.BadParameter(f"no field {name[:40]!r}; there are {', '.join(FIELDS)}")
    return FIELDS[name]


def value_of(name: str, words: Sequence[str]) -> Any:
    """The value of a field in the words that were given; raises `typer.BadParameter`."""
    field = field_named(name)
    try:
        return field.value_of(words)
    except ValueError:
        raise typer.BadParameter(f"{name} is {field.meaning}, not {', '.join(words)[:80]!r}") from None


def is_plain(path: Path) -> bool:
    """Whether a path may stand in a command of shell as it is."""
    return bool(PLAIN_PATH.fullmatch(str(path)))


def _one(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise ValueError
    return words[0].strip()


def _matching(allowed: Callable[[str], Any]) -> Callable[[Sequence[str]], str]:
    def value(words: Sequence[str]) -> str:
        word = _one(words)
        if not allowed(word):
            raise ValueError
        return word

    return value


def _or_nothing(words: Sequence[str]) -> str:
    word = _one(words)
    return _word(word) if word else ""


def _word(word: str) -> str:
    if not WORD[0](word):
        raise ValueError
    return word


def _words(words: Sequence[str]) -> list[str]:
    return [_word(word.strip()) for given in words for word in given.split(",")]


def _lines(words: Sequence[str]) -> list[str]:
    if not all(word.isprintable() for word in words):
        raise ValueError
    return [word for word in words if word.strip()]


def _whole(*, least: int, most: int = MOST) -> Callable[[Sequence[str]], int]:
    def value(words: Sequence[str]) -> int:
        word = _one(words)
        if not (word.isascii() and word.isdecimal() and len(word) < 20 and least <= int(word) <= most):
            raise ValueError
        return int(word)

    return value


def _yes_or_no(words: Sequence[str]) -> bool:
    return {"true": True, "false": False}[_matching(("true", "false").__contains__)(words)]


def _plain_path(words: Sequence[str]) -> str:
    path = _path(words)
    if not is_plain(Path(path)):
        raise ValueError
    return path


def _path(words: Sequence[str]) -> str:
    word = _one(words)
    if not word or not word.isprintable():
        raise ValueError
    return str(Path(word).expanduser().absolute())


_PLAIN = "the path of {}, of letters, digits and . / + @ = , - _"
_WORD = f"{WORD[1]}; or nothing, which leaves it to the cluster"
FIELDS: dict[str, Field] = {
    "name": Field(
        "Name of this site in records",
        "a printable text of at most 80 characters",
        _matching(lambda word: 0 < len(word) <= 80 and word.isprintable()),
    ),
    "display_name": Field(
        "Name of the endpoint", "a printable text", _matching(lambda word: 0 < len(word) <= 128 and word.isprintable())
    ),
    "email": Field("Address of who is responsible", "an e-mail address", _matching(EMAIL.fullmatch)),
    "organisation": Field(
        "Domain whose members may use the endpoint", "a domain such as example.org", _matching(DOMAIN.fullmatch)
    ),
    "service_account": Field("Account of this machine they work under", "a user name", _matching(ACCOUNT.fullmatch)),
    "python": Field("Interpreter in the jobs", _PLAIN.format("an interpreter"), _plain_path),
    "agent_python": Field("Interpreter on this machine", _PLAIN.format("an interpreter"), _plain_path),
    "site_file": Field("Site file", _PLAIN.format("a file"), _plain_path),
    "folder": Field("Folder on storage that all nodes see", "the path of a folder", _path),
    "store": Field("Folder of the site's own store", "the path of a folder", _path),
    "account": Field("Account that pays for the jobs", _WORD, _or_nothing),
    "partitions": Field("Partitions with GPUs, the usual one first", "words with commas between", _words),
    "qos": Field("QOS of the jobs", _WORD, _or_nothing),
    "constraint": Field("Constraint of the jobs", _WORD, _or_nothing),
    "gpus": Field("GPUs of a job", f"a whole number from 0 to {MOST:,}", _whole(least=0)),
    "gpu_request": Field("How GPUs are asked for", f"one of {', '.join(GPU_REQUESTS)}", _matching(GPU_REQUESTS.__contains__)),
    "gpu_type": Field("Type of GPU", _WORD, _or_nothing),
    "whole_nodes": Field("Whether a job is a whole node", "true or false", _yes_or_no),
    "cores": Field("Processor cores of a job", "a whole number, 0 to leave it to the cluster", _whole(least=0)),
    "memory_gb": Field("Memory of a job [GB]", "a whole number, 0 to leave it to the cluster", _whole(least=0)),
    "longest_walltime": Field(
        "Longest walltime of a job, HH:MM:SS", "HH:MM:SS, five minutes or more", _matching(WALLTIME.fullmatch)
    ),
    "most_blocks": Field("Most jobs at the same time", f"a whole number from 1 to {MOST:,}", _whole(least=1)),
    "workers": Field("Trainings beside each other", f"a whole number from 1 to {MOST:,}", _whole(least=1)),
    "idle_seconds": Field(
        "Seconds after which a job without work is given back", f"a whole number from 1 to {MOST:,}", _whole(least=1)
    ),
    "heartbeat_period": Field("Seconds between two heartbeats", f"a whole number from 5 to {MOST:,}", _whole(least=5)),
    "environment": Field("Line of shell that makes the interpreter work", "lines of shell, one for each --set", _lines),
    "address": Field("Address of this machine as the nodes see it", f"{WORD[1]}; or nothing, to try all", _or_nothing),
    "device": Field("Device", f"one of {', '.join(DEVICES)}", _matching(DEVICES.__contains__)),
    "seconds": Field("Longest training [s]", "a whole number from 60 on", _whole(least=60, most=LARGEST_WHOLE)),
    "memory_bytes": Field("Most memory of a training [bytes]", "a whole number from 1 on", _whole(least=1, most=LARGEST_WHOLE)),
    "checkpoint_bytes": Field(
        "Largest half-trained model that is kept [bytes]", "a whole number", _whole(least=0, most=LARGEST_WHOLE)
    ),
    "threads": Field("Processor threads of one training", f"a whole number from 1 to {MOST:,}", _whole(least=1)),
}
