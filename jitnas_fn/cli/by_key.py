"""`jitnas lookup KEY`, asked thousands of times by scripts: without torch, and without the parser of the other commands."""

import time
from collections.abc import Sequence

from jitnas_fn.cli.answers import Answer, answering
from jitnas_fn.cli.failures import FOUND, MISS, say
from jitnas_fn.cli.summary import as_fields, described
from jitnas_fn.client.cache import users_ledger, users_store
from jitnas_fn.client.tables import imported_names
from jitnas_fn.core.record import Record
from jitnas_fn.core.record import answering as best_answer
from jitnas_fn.core.task import Limits, is_key


def key_asked_for(arguments: Sequence[str]) -> str | None:
    """The key, if the command line is `lookup KEY` with or without `--json`; else None."""
    words = [word for word in arguments if word != "--json"]
    return words[1] if len(words) == 2 and words[0] == "lookup" and is_key(words[1]) else None


def look_up(key: str, *, as_json: bool, accept_imported: bool = False) -> int:
    """Print what is known under `key`, also to tables that were imported if that is accepted; the exit code."""
    with answering(as_json=as_json) as answer:
        began = time.monotonic()
        record = best_answer(users_store(imported=accept_imported).replicates(key), Limits())
        if record is None and not accept_imported and (tables := imported_names()):
            say(f"jitnas: not asked: the imported {', '.join(tables)}; --accept-imported asks them too")
        return given(answer, key, record=record, seconds_waited=time.monotonic() - began)


def given(answer: Answer, key: str, *, record: Record | None, seconds_waited: float) -> int:
    """Print a record that was looked up in the user's store, or that there is none, and count it; the exit code."""
    users_ledger().note(hits=[record] if record else [], misses=[] if record else [key])
    source = None if record is None else "cache"
    fields = as_fields(record, key=key, source=source, seconds_waited=seconds_waited)
    if record is None:
        answer.give(fields, text=f"not known: key {key}")
        say("jitnas: a miss; `jitnas evaluate` trains it, `jitnas explain` says what is known of it")
        return MISS
    answer.give(fields, text=described(record, source="cache", seconds_waited=seconds_waited))
    return FOUND
