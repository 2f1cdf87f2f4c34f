"""One training per key, however many threads, processes and nodes ask a site's store for it at the same time."""

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.codec import Json
from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.core.errors import JitnasError, LeaseLost, StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record, answering
from jitnas_fn.core.task import HASH, Limits
from jitnas_fn.stores.leases import MAX_TOKEN, Held, Lease, Leases
from jitnas_fn.stores.segments import SegmentStore

Train = Callable[[int], Record]
Document = Callable[[], Json | None]


def leases_of(store: Store, site: str) -> Leases | None:
    """The leases that lie with a shared store; None for any other, which has one user."""
    return _leases_in(store.folder / "leases", site) if isinstance(store, SegmentStore) else None


@functools.lru_cache(maxsize=64)
def _leases_in(folder: Path, site: str) -> Leases:
    """One for all messages of a process: it remembers which beats it saw, and since when."""
    return Leases(folder, site=site)


def trained_once(
    store: Store,
    leases: Leases | None,
    key: str,
    *,
    limits: Limits,
    document: Document,
    train: Train,
    once_kept: Callable[[Record], None] = lambda _: None,
) -> tuple[Record, str] | Held:
    """The record of a task: found, or trained here. While another trains it, who that is: nobody waits in a worker.

    Parameters
    ----------
    store
        Where it is looked for and kept.
    leases
        Of all who use the store; None to train without one. A key without a fingerprint needs none.
    key, limits
        Of the task.
    document
        Gives the architecture's, which is kept in front of the record if the store has none; None if it is not known here.
    train
        Trains; takes the fencing token of the record, 0 without a lease.
    once_kept
        Called when a record that was trained here survives any kill.

    Returns
    -------
    tuple[Record, str] | Held
        The record, and "trained" if it was made here, else "shared"; or the lease of who trains it elsewhere.

    Raises
    ------
    StoreError
        If the store or the leases cannot be used. (A record that was trained is returned all the same, with a warning.)
    JitnasError
        Whatever `train` raises.
    """
    flight = _Flight(store, key, limits, document, train, once_kept)
    known = store.replicates(key)
    found = answering(known, limits)
    if found is not None:
        return found, "shared"
    if leases is None or not HASH.fullmatch(key):
        return flight.alone()
    claimed = leases.claim(key, least=1 + _greatest_token(known))
    return flight.under(claimed, beat_seconds=leases.beat_seconds) if isinstance(claimed, Lease) else claimed


@dataclass(frozen=True, slots=True)
class _Flight:
    """One task on its way to a record."""

    store: Store
    key: str
    limits: Limits
    document: Document
    train: Train
    once_kept: Callable[[Record], None]

    def alone(self) -> tuple[Record, str]:
        """Train without a lease."""
        record = self.train(0)
        self._keep(record)
        return record, "trained"

    def under(self, lease: Lease, *, beat_seconds: float) -> tuple[Record, str]:
        """Train while the lease is kept alive, unless its last holder put the record just before."""
        # A first generation leaves nothing behind that a token must be above.
        settled = lease.generation == 1
        try:
            if isinstance(self.store, SegmentStore):
                self.store.look_afresh()
            found = self._found()
            if found is not None:
                settled = True
                return found, "shared"
            with _beating(lease, beat_seconds):
                record = self.train(lease.token)
                settled = self._keep(record) or settled
            return self._best(record, lease)
        finally:
            lease.release(done=settled)

    def _keep(self, record: Record) -> bool:
        """Put document and record; whether the record is kept. What was paid for is answered with even if it is not."""
        kept = False
        try:
            try:
                self._keep_document(record.parts["fingerprint"])
            finally:
                self.store.put(record)
                kept = True
                self.once_kept(record)
        except JitnasError as reason:
            warnings.warn(f"task {self.key[:12]}… was trained and is not kept in full: {reason}", UserWarning, stacklevel=2)
        return kept

    def _found(self) -> Record | None:
        return answering(self.store.replicates(self.key), self.limits)

    def _keep_document(self, fingerprint: str) -> None:
        document = self.document() if self.store.document(fingerprint) is None else None
        if document is not None:
            self.store.append(architecture_entry(fingerprint, document))

    def _best(self, record: Record, lease: Lease) -> tuple[Record, str]:
        """The record just trained, or that of whoever took over meanwhile."""
        with contextlib.suppress(StoreError):  # where nothing can be told of the others, the answer is our own
            try:
                lease.renew()
            except LeaseLost:
                best = self._found()
                if best is not None and best.record_id != record.record_id:
                    return best, "shared"
        return record, "trained"


@contextlib.contextmanager
def _beating(lease: Lease, beat_seconds: float) -> Iterator[None]:
    """Renew the lease beside the block, until the block ends or the lease is lost.

    A training that lost its lease goes on: what it has cost is spent, and its record is kept beside the successor's.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(beat_seconds):
            try:
                lease.renew()
            except LeaseLost:
                return
            except StoreError:
                continue  # the disk may answer the next time; two more beats are in the lease

    beater = threading.Thread(target=beat, name=f"jitnas-lease-{lease.key[:12]}", daemon=True)
    beater.start()
    try:
        yield
    finally:
        over.set()
        beater.join()


def _greatest_token(records: Iterable[Record]) -> int:
    tokens = [record.provenance.get("token") for record in records]
    return max((token for token in tokens if type(token) is int and 0 <= token < MAX_TOKEN - 1), default=0)
