"""The catalogues of a shared store: one small file for each generation, of which the newest counts.

A generation is made by linking a finished file to the next number, which only one can do: who worked from an older one, because
it was stopped meanwhile, fails and changes nothing.
"""

import contextlib
import os
import re
import secrets
from pathlib import Path

from jitnas_fn.stores._disk import SHARED_ADVICE, failure, names_in, sync_folder, write_new
from jitnas_fn.stores.catalogue import Catalogue

_NUMBERED = re.compile(r"([1-9][0-9]{0,11})\.json")


class Generations:
    """The generations in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> int:
        """Number of the newest generation; 0 if there is none."""
        try:
            names = map(_NUMBERED.fullmatch, names_in(self._folder))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as reason:
            raise failure(self._folder, "read", reason, advice=SHARED_ADVICE) from None
        return max((int(name[1]) for name in names if name), default=0)

    def read(self, generation: int) -> Catalogue | None:
        """A generation; None if it is gone, since a newer one took its place."""
        if not generation:
            return Catalogue()
        path = self._path(generation)
        try:
            text = path.read_text("ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as reason:
            raise failure(path, "read", reason, advice=SHARED_ADVICE) from None
        return Catalogue.from_json(text)

    def commit(self, catalogue: Catalogue) -> bool:
        """Make this the next generation; whether it could be, or somebody else was first. Raises `StoreError`."""
        path = self._path(catalogue.generation)
        draft = self._folder / f".{secrets.token_hex(8)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_new(draft, catalogue.to_json().encode("ascii") + b"\n")
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
                sync_folder(self._folder)
                return self.newest() == catalogue.generation  # a number that was forgotten is free, and too late
            return False
        except OSError as reason:
            raise failure(path, "written", reason, advice=SHARED_ADVICE) from None
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()

    def forget(self, *, older_than: float) -> None:
        """Remove generations made before this time (seconds since 1970), but for the newest."""
        newest = self.newest()
        with contextlib.suppress(OSError):
            for name in names_in(self._folder):
                number, path = _NUMBERED.fullmatch(name), self._folder / name
                if number and int(number[1]) < newest and path.stat().st_mtime < older_than:
                    path.unlink()

    def _path(self, generation: int) -> Path:
        return self._folder / f"{generation}.json"
