"""How runs have ended, kept for a day: an answer may be lost on its way, and a message may come twice.

Records that the site's store has are not among them, nor are losses: whoever lost something sends the same run again.

- `outcomes/KEY.RUN`: JSON {key, record, source} or {key, error}, as the run was answered
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.envelope import MAX_ENVELOPE_BYTES
from jitnas_fn.core.errors import StoreError
from jitnas_fn.worker.board import Run

KEPT_SECONDS = 24 * 3600.0
SWEEP_SECONDS = 3600.0
NOT_FINAL = ("NotAllowed", "SiteUnavailable", "WorkerLost")  # what a site does not do today, it may do tomorrow
MOST_FILES = 100_000  # beyond which none is kept: whoever may send tasks could fill a disk

_swept: dict[Path, float] = {}  # when, by this process
_counts: dict[Path, int] = {}  # of files, as far as this process knows


class Outcomes:
    """The outcomes in one folder. A disk that refuses keeps none, and stops nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, run: Run, result: Json) -> None:
        """Keep what a run is answered with, if that is its end; the first counts."""
        if not isinstance(result.get("record"), dict) and not _is_final(result.get("error")):
            return
        self._sweep()
        path, draft = self._folder / run.stem, self._folder / f"{run.stem}.{os.getpid()}-{threading.get_ident()}"
        if _counts.get(self._folder, 0) >= MOST_FILES or path.exists():
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_text(canonical(result), "ascii")
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            _counts[self._folder] = _counts.get(self._folder, 0) + 1

    def of(self, run: Run) -> Json | None:
        """What a run was answered with; None while it has not ended, or nobody knows any more."""
        try:
            text = (self._folder / run.stem).read_text("ascii", "replace")
            result = parse(text, max_bytes=MAX_ENVELOPE_BYTES, error=StoreError, what="outcome")
        except (OSError, StoreError):
            return None
        return result if result.get("key") == run.key else None

    def _sweep(self) -> None:
        """Remove what is too old, and count what is left."""
        now = time.time()
        if now - _swept.get(self._folder, 0.0) < SWEEP_SECONDS:
            return
        _swept[self._folder], _counts[self._folder] = now, 0
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    if now - path.stat().st_mtime > KEPT_SECONDS:
                        path.unlink()
                    else:
                        _counts[self._folder] += 1


def _is_final(error: object) -> bool:
    return isinstance(error, dict) and error.get("retryable") is False and error.get("type") not in NOT_FINAL
