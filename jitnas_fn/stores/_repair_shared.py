"""Repairing a shared store while others write to it.

Whoever repairs holds the lease of the compactor, so that nothing is merged meanwhile. A segment whose end is to be changed is
first taken from its writer by the compactor's own means, renaming: a writer that was only asleep looks after each line whether
its segment is still there, and writes the line again elsewhere.
"""

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jitnas_fn.core.codec import parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import SHARED_ADVICE, failure, next_line
from jitnas_fn.stores._ends import cut_or_end, is_whole_entry
from jitnas_fn.stores._index_check import IndexCheck
from jitnas_fn.stores._progress import Meter, Progress
from jitnas_fn.stores._rebuilding import Rebuilding
from jitnas_fn.stores._repaired import Repaired
from jitnas_fn.stores._segment import MERGING, OPEN
from jitnas_fn.stores._setting_aside import put_into
from jitnas_fn.stores._survey import catalogue_at, merged_files, place_of_writers
from jitnas_fn.stores._verify_shared import MAX_STORE_BYTES
from jitnas_fn.stores._writer import STORE, called_segments
from jitnas_fn.stores.careful import NoPlainFile, content_of, kind_of, opened, shown, whole_end
from jitnas_fn.stores.catalogue import Catalogue, check_schema
from jitnas_fn.stores.leases import COMPACTION, Lease, Leases

RENEW_SECONDS = 10.0


class SharedRepair:
    """One repair of one shared store.

    Parameters
    ----------
    folder
        Of the store.
    idle_seconds
        After which a segment's writer counts as ended. [seconds]
    clock
        Seconds since 1970.
    progress
        Told how far it has come.
    """

    def __init__(self, folder: Path, *, idle_seconds: float, clock: Callable[[], float], progress: Progress) -> None:
        self._folder, self._idle_seconds, self._clock, self._progress = folder, idle_seconds, clock, progress
        self._done = Repaired(folder)
        self._renewed = 0.0

    def made(self) -> Repaired:
        """What was done; raises as `repair` does."""
        self._check_folder()
        try:
            with self._alone() as lease:
                rebuilding = Rebuilding(self._folder, clock=self._clock)
                if rebuilding.is_needed:
                    self._done.generation = rebuilding.made()
                self._done.lost += rebuilding.lost
                _, catalogue, _ = catalogue_at(self._folder)
                self._mend_segments(catalogue or Catalogue())
                self._check_indexes(lease)
        except StoreError:
            raise
        except OSError as reason:
            raise failure(self._folder, "repaired", reason, advice=SHARED_ADVICE) from None
        return self._done

    def _check_folder(self) -> None:
        """Raise if it is of a newer version, or leads elsewhere: what is cut off there might be anybody's."""
        for name in ("segments", "merged", "catalogue", "leases", "aside"):
            kind = kind_of(self._folder / name)
            if kind not in ("", "a folder"):
                raise StoreError(f"{shown(self._folder / name)} is {kind}, not a folder of this store: nothing was repaired")
        with contextlib.suppress(FileNotFoundError):
            text = content_of(self._folder / STORE, most_bytes=MAX_STORE_BYTES).decode("utf-8", "replace")
            check_schema(parse(text, max_bytes=MAX_STORE_BYTES, error=StoreError, what=f"file ({STORE})"), shown(self._folder))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Lease]:
        lease = Leases(self._folder / "leases", clock=self._clock).claim(COMPACTION)
        if not isinstance(lease, Lease):
            raise StoreError(f"{shown(self._folder)} is being merged or repaired by somebody else: try again in some minutes")
        try:
            yield lease
        finally:
            lease.release(done=True)

    def _mend_segments(self, catalogue: Catalogue) -> None:
        merged = place_of_writers(catalogue)
        for path in called_segments(self._folder / "segments"):
            if path.stem in merged:  # its lines are read elsewhere
                continue
            try:
                with opened(path) as file:
                    status = os.fstat(file.fileno())
                    is_torn = whole_end(file, status.st_size) < status.st_size
            except NoPlainFile as reason:
                self._done.lost.append(str(reason))
                continue
            except FileNotFoundError:  # its writer was faster
                continue
            if is_torn and self._clock() - status.st_mtime <= self._idle_seconds:
                self._done.left += 1
            elif is_torn:
                self._mend(path)

    def _mend(self, path: Path) -> None:
        if path.suffix == OPEN:
            path = path.rename(path.with_suffix(MERGING))
        with opened(path, writing=True) as file:
            size = file.seek(0, io.SEEK_END)
            end = whole_end(file, size)
            whole = is_whole_entry(file, end)
            if end < size and not whole:
                aside = self._folder / "aside"
                put_into(aside, path.stem, file, end)
                self._done.aside = str(aside)
                self._done.torn += 1
                self._done.torn_bytes += size - end
            cut_or_end(file, end, whole=whole)
            self._done.ended += whole

    def _check_indexes(self, lease: Lease) -> None:
        """Remove indexes of merged files that are wrong, which takes reading all of them."""
        paths = [path for path in merged_files(self._folder) if os.path.lexists(f"{path}.index")]
        meter = Meter(lambda done, total: self._tell(lease, done, total), sum(path.lstat().st_size for path in paths))
        for path in paths:
            index, end, is_entry = IndexCheck(path.with_name(f"{path.name}.index")), 0, False
            with contextlib.suppress(NoPlainFile, FileNotFoundError), opened(path) as file:
                while line := next_line(file):
                    content, length = line
                    end += length
                    index.take(content, end, is_entry=is_entry)
                    is_entry = True
                    meter.advance(length)
                self._done.indexes += index.remove_if_wrong()

    def _tell(self, lease: Lease, done: int, total: int) -> None:
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            lease.renew()
            self._renewed = time.monotonic()
        self._progress(done, total)
