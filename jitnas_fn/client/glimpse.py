"""What the lines of a store say, for finding what is to be read: a line may lie, and each is verified when it is read."""

from jitnas_fn.client.summary_glance import Glances, Row, Withdrawn
from jitnas_fn.core.collector import without_collector
from jitnas_fn.core.interfaces import Store


def glimpsed(store: Store) -> list[Row]:
    """What every line of a record says, in all layers, retracted ones left out.

    Lines that say different things of one record are all there: one of them may be damaged, and hide the good one otherwise.
    """
    glances, withdrawn = Glances(), set[str]()
    rows: dict[tuple[str, str, str, str], Row] = {}
    with without_collector():
        for line in store.every_line():
            found = glances.at(line)
            if isinstance(found, Row):
                rows[found.record_id, found.key, found.fingerprint, found.dataset_sha256] = found
            elif isinstance(found, Withdrawn):
                withdrawn.add(found.record_id)
    return [row for row in rows.values() if row.record_id not in withdrawn]
