"""`jitnas cache info`."""

import textwrap
from collections.abc import Iterator

from jitnas_fn import settings
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.failures import say
from jitnas_fn.client.cache import published, users_cache
from jitnas_fn.client.summary import Kept, counted, kept_on, last_syncs, lines_of, spent_on
from jitnas_fn.client.summary_asked import asked_in
from jitnas_fn.client.summary_cost import energy_range
from jitnas_fn.client.summary_shared import shared_beyond
from jitnas_fn.client.tables import imported_names
from jitnas_fn.core.codec import Json
from jitnas_fn.stores.careful import shown
from jitnas_fn.stores.snapshot import SnapshotStore

SHOWN = 8  # names of datasets or recipes
WIDTH, COLUMN = 110, 15
COUNTERFACTUAL = (
    "Counterfactual: what the answering records cost when they were trained, each key once. It would have been spent here only "
    "if all of them had been trained here."
)


def info(*, as_json: options.AsJson = False) -> None:
    """What is kept on this machine, what it cost, how often it answered, and what that avoided.

    Everything is read off the lines of the stores without being verified, which is done when a record is handed out.

    \b
    home               folder of your cache
    records            on this machine that can be looked up, each counted once; retracted ones are not
    own_records        of them in your own cache: trained here, or fetched
    published_records  of them in the published snapshot
    retracted          records that are withdrawn
    architectures      different architectures of these records
    replicates         records beyond the first under their key
    datasets, recipes, verdicts
                       name: records
    shared             the shared store that $JITNAS_SHARED names, null if none: {path, reached, records, new_records (of them
                       neither in your cache nor in the snapshot), trouble (why it is not reached)}
    asked              {since, hits, misses, asks, hit_rate}: a hit was answered by your stores at once. Counted are clients
                       without a store of their own and `jitnas lookup`, not what was under way already
    spent              what the records in your own cache cost that were trained, by you or by whom you fetched them from
    avoided            what the records cost that answered hits and had been trained, each key once
    inherited          the same of records imported from somebody's table
                       each: {records, gpu_hours, cpu_hours, unknown_device_hours (of the clock, not of cores),
                       joules: [measured, measured + estimated], measured_share (null without joules),
                       without_energy (records that state none)}
    tables             published tables that were imported; none of their records is counted above
    counterfactual     what "avoided" means
    synced             {source: when}: the last time that your cache was brought up to date from it
    verified           false: figures are what the lines state
    """
    with answering(as_json=as_json) as answer:
        fields = facts()
        if fields["shared"] and not fields["shared"]["reached"]:
            say(f"jitnas: {fields['shared']['trouble']}")
        answer.give(fields, text="\n".join(told(fields)))


def facts() -> Json:
    """The fields of the answer."""
    home, snapshot, cache = settings.home(), published(), users_cache()
    own = kept_on(lines_of(cache.path))
    ready = kept_on(snapshot.every_line()) if isinstance(snapshot, SnapshotStore) else Kept()
    folder = settings.shared()
    asked = asked_in(home)
    asks = asked.hits + asked.misses
    rate = asked.hits / asks if asks else None
    return {
        "home": str(home),
        **counted(own, ready),
        "shared": None if folder is None else shared_beyond(folder, ready.behind(own)),
        "asked": {"since": asked.since, "hits": asked.hits, "misses": asked.misses, "asks": asks, "hit_rate": rate},
        "spent": spent_on(own).to_dict(),
        "avoided": asked.avoided.to_dict(),
        "inherited": asked.inherited.to_dict(),
        "tables": imported_names(),
        "counterfactual": COUNTERFACTUAL,
        "synced": last_syncs(home),
        "verified": False,
    }


def told(fields: Json) -> Iterator[str]:
    """The same in lines for people."""
    asked = fields["asked"]
    where = f"{fields['own_records']:,} in your own cache, {fields['published_records']:,} in the published snapshot"
    yield _line("records", f"{fields['records']:,} that can be looked up: {where}; {fields['retracted']:,} retracted")
    if fields["shared"]:
        yield _line("shared", _beyond(fields["shared"]))
    yield _line("architectures", f"{fields['architectures']:,}; {fields['replicates']:,} records are replicates")
    for name in ("datasets", "recipes", "verdicts"):
        yield _line(name, _listed(fields[name]))
    if asked["asks"]:
        rate = f"{asked['asks']:,} since {asked['since'][:10]}: {asked['hits']:,} hits, {asked['misses']:,} misses"
        yield _line("asked", f"{rate}, hit rate {asked['hit_rate']:.0%}")
    else:
        yield _line("asked", "nothing yet")
    yield _line("spent", _spending(fields["spent"], what="records in your cache that were trained"))
    yield _line("avoided", _spending(fields["avoided"], what="keys answered"))
    if fields["inherited"]["records"]:
        yield _line("inherited", _spending(fields["inherited"], what="keys answered from imported tables"))
    yield _line("", COUNTERFACTUAL)
    if fields["tables"]:
        yield _line("tables", f"imported, apart from all of that: {', '.join(fields['tables'])}")
    for source, when in fields["synced"].items():
        yield _line("synced", f"{when} with {source}")
    yield _line("home", fields["home"])
    yield _line("", "Figures are what the records state; a record is verified when it is handed out.")


def _beyond(shared: Json) -> str:
    counts = "not reached, so look-ups go on without it"
    if shared["reached"]:
        counts = f"{shared['records']:,} records, {shared['new_records']:,} of them not on this machine"
    return f"{counts}: {shown(shared['path'])}"


def _listed(names: dict[str, int]) -> str:
    some = [f"{name} {count:,}" for name, count in list(names.items())[:SHOWN]]
    return ", ".join(some + [f"{len(names) - SHOWN:,} more"] * (len(names) > SHOWN)) or "none"


def _spending(found: Json, *, what: str) -> str:
    if not found["records"]:
        return f"nothing; {what}: 0"
    hours = f"{found['gpu_hours']:,.4g} GPU-hours, {found['cpu_hours']:,.4g} CPU-hours"
    if found["unknown_device_hours"]:
        hours += f", {found['unknown_device_hours']:,.4g} hours on unknown devices"
    share = "" if found["measured_share"] is None else f" ({found['measured_share']:.0%} of it measured)"
    missing = f", of which {found['without_energy']:,} without energy" if found["without_energy"] else ""
    return f"{hours}, {energy_range(found['joules'])}{share}; {what}: {found['records']:,}{missing}"


def _line(name: str, text: str) -> str:
    indent = " " * COLUMN
    if name in ("home", "shared"):  # a path stays as it is
        return f"{name:<{COLUMN}}{text}"
    return textwrap.fill(text, WIDTH, initial_indent=f"{name:<{COLUMN}}", subsequent_indent=indent, break_on_hyphens=False)


COMMAND = info
