"""Makes one of each kind of store, as version 1 writes it: `python -m tests.golden.stores FOLDER`. The frozen ones stay."""

import sys
from pathlib import Path

from jitnas_fn.core.entry import Entry, alias_entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_document, a_fingerprint, a_record

NOW = "2026-01-02T03:04:05Z"


def fixed(number, **given):
    return a_record(number, fixed_salt=SALT, **given)


def entries():
    """What each of them holds: every kind of entry, a replicate, a redacted copy, a retraction."""
    found = [architecture_entry(a_fingerprint(number), a_document(number)) for number in range(4)]
    found += [record_entry(record) for record in (*map(fixed, range(4)), fixed(0, token=3), fixed(5).redacted())]
    alias = alias_entry("nasbench201", "|nor_conv_3x3~0|", input_shape=(3, 32, 32), outputs=10, fingerprint=a_fingerprint(1))
    return [
        *found,
        alias,
        retraction_entry(fixed(2).record_id, "wrong data", created=NOW),
        Entry("of a later version", {"x": [1]}),
    ]


def main(folder: Path) -> None:
    TinyStore(folder / "cache.jsonl").extend(entries())
    (folder / "cache.jsonl.lock").unlink()
    publish(folder / "snapshot", entries(), created=NOW)
    store = SegmentStore(folder / "shared")
    first, second, third = entries()[:6], entries()[6:9], entries()[9:]
    store.extend(first)
    store.close()
    store.compact(idle_seconds=0, keep_seconds=-1)
    store.compact(idle_seconds=0, keep_seconds=-1)
    store.extend(second)
    store.close()
    torn = SegmentStore(folder / "shared")
    torn.extend(third)
    with (folder / "shared" / "segments" / f"{torn._writer.name}.jsonl").open("ab") as file:
        file.write(record_entry(fixed(9)).to_json().encode()[:100])
    torn._finalizer.detach()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
