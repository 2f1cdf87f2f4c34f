"""A shared store: what lies in its folder, and its compaction now."""


def compacted(store, **options):
    """Merge what may be in use as well, and keep nothing that was merged."""
    done = store.compact(**{"idle_seconds": 0, "keep_seconds": -1, **options})
    assert done is not None
    return done


def segments(folder):
    return sorted(path.name for path in (folder / "segments").iterdir())
