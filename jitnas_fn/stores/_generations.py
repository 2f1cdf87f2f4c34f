"""The catalogues of a shared store: one small file for each generation, of which the newest counts.

A generation is made by linking a finished file to the next number, which only one can do: who worked from an older one, because
it was stopped meanwhile, fails and changes nothing.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import SHARED_ADVICE, failure, sync_folder, write_new
from jitnas_fn.stores.careful import content_of, kind_of
from jitnas_fn.stores.catalogue import MAX_CATALOGUE_BYTES, Catalogue

_NUMBERED = re.compile(r"([1-9][0-9]{0,11})\.json")
REPAIR = "`jitnas cache repair` makes a catalogue from what is there"


class Generations:
    """The generations in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> int:
        """Number of the newest generation; 0 if there is none.

        What is a link, a pipe or a folder in spite of its name was put there by somebody else, and is none.
        """
        return self._newest(lambda entry: entry.is_file(follow_symlinks=False))

    def newest_called(self) -> int:
        """The greatest number that anything has which is called a generation, be it a file or not; 0 if nothing is."""
        return self._newest(lambda entry: bool(entry.name))

    def _newest(self, counts: Callable[[os.DirEntry[str]], bool]) -> int:
        try:
            return max(self._numbers(counts), default=0)
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as reason:
            raise failure(self._folder, "read", reason, advice=SHARED_ADVICE) from None

    def read(self, generation: int) -> Catalogue | None:
        """A generation; None if it is gone, since a newer one took its place. Raises `StoreError` or `NewerVersion`."""
        if not generation:
            return Catalogue()
        path = self._path(generation)
        try:
            content = content_of(path, most_bytes=MAX_CATALOGUE_BYTES)
        except FileNotFoundError:
            return None
        except StoreError:
            raise
        except OSError as reason:
            raise failure(path, "read", reason, advice=SHARED_ADVICE) from None
        try:
            catalogue = Catalogue.from_json(content.decode("utf-8", "replace"))
        except StoreError as reason:
            raise StoreError(f"{path}: {reason}. {REPAIR}") from None
        if catalogue.generation != generation:
            raise StoreError(f"{path} calls itself generation {catalogue.generation}: somebody else put it there. {REPAIR}")
        return catalogue

    def commit(self, catalogue: Catalogue) -> bool:
        """Make this the next generation; whether it could be, or somebody else was first. Raises `StoreError`."""
        path = self._path(catalogue.generation)
        if not _NUMBERED.fullmatch(path.name):
            before = self._path(catalogue.generation - 1)
            raise StoreError(f"{before} leaves no number for another catalogue: somebody else put it there, remove it")
        draft, content = self._folder / f".{secrets.token_hex(8)}", catalogue.to_json().encode("ascii") + b"\n"
        if len(content) > MAX_CATALOGUE_BYTES:  # which nobody could read
            raise StoreError(
                f"the catalogue of {self._folder.parent} would have {len(content):,} bytes, of which "
                f"{MAX_CATALOGUE_BYTES:,} are read: fill a new store from this one (`since`), as one writer"
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_new(draft, content)
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
                sync_folder(self._folder)
                return self.newest() == catalogue.generation  # a number that was forgotten is free, and too late
            if kind := kind_of(path):
                raise StoreError(f"{path} is {kind}, where the next catalogue would be: remove it, and all is well again")
            return False
        except StoreError:
            raise
        except OSError as reason:
            raise failure(path, "written", reason, advice=SHARED_ADVICE) from None
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()

    def forget(self, *, older_than: float) -> None:
        """Remove generations made before this time (seconds since 1970), but for the newest."""
        newest = self.newest()
        with contextlib.suppress(OSError):
            for number in self._numbers(lambda entry: entry.is_file(follow_symlinks=False)):
                path = self._path(number)
                if number < newest and path.stat().st_mtime < older_than:
                    path.unlink()

    def _numbers(self, counts: Callable[[os.DirEntry[str]], bool]) -> list[int]:
        with os.scandir(self._folder) as entries:
            return [int(name[1]) for entry in entries if (name := _NUMBERED.fullmatch(entry.name)) and counts(entry)]

    def _path(self, generation: int) -> Path:
        return self._folder / f"{generation}.json"
