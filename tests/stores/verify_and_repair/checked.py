"""What a verification or a repair says of a store, and what lies in it."""

from jitnas_fn.stores.places import CACHE, SHARED, Place, place_at
from jitnas_fn.stores.repair import repair
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.verification import joined, verify
from tests.stores import shared
from tests.stores.documented import entries


def found(path, **named):
    return joined([verify(place_at(path), **named)])


def repaired(path, **named):
    return repair(Place(SHARED if path.is_dir() else CACHE, path), **named)


def compacted(folder, **options):
    return shared.compacted(SegmentStore(folder), **options)


def the_merged_file(folder):
    (path,) = (folder / "merged").glob("*.jsonl")
    return path


def spoilt(content, old, new):
    assert old in content
    return content.replace(old, new, 1)


def everything(folder):
    """Every file under a folder but locks and leases, and its content."""
    files = {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: content for name, content in files.items() if name.suffix != ".lock" and "leases" not in name.parts}


def seen(folder):
    """How often each entry is read of a shared store."""
    found = [entry.to_json() for entry in SegmentStore(folder).since({})[0]]
    assert len(found) == len(set(found))
    return sorted(found)


def all_of(*numbers):
    return sorted(entry.to_json() for entry in entries(*numbers))
