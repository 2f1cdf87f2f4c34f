"""Checkpoints of one training: written whole or not at all, read only if nothing in them has changed.

A file is a line `jitnas_fn checkpoint VERSION HASH`, then what HASH is the SHA-256 of: a line of canonical JSON {key, parts,
conditions, environments, epochs, history, seconds, cost}, and what `torch.save` makes of {network, optimiser, random}. It is
loaded with `weights_only`, which makes tensors and plain values and runs nothing.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.task import key_of
from jitnas_fn.stores._disk import sync_folder
from jitnas_fn.stores.careful import NoPlainFile, opened
from jitnas_fn.training import checkpoint_files as files
from jitnas_fn.training.state import State

FORMAT = 1
FIRST = re.compile(rb"jitnas_fn checkpoint ([1-9][0-9]{0,5}) ([0-9a-f]{64})\n")
MAX_HEADER_BYTES = 64_000_000
PART_BYTES = 1 << 20
SHARE = 40  # what a file takes to write is at most one part in this of the time between two; but
MOST_SECONDS = 60.0  # ... no more than this is at stake
AGAIN_SECONDS = 60.0  # after a failure (a full disk) that long nothing is tried
MOST_ENVIRONMENTS = 16


class Checkpoints:
    """Those of one task in one folder. Whatever is wrong with the disk, the training goes on, and that is said once.

    Parameters
    ----------
    folder
        Made when the first is written.
    parts
        Of the key, which is the hash of a fingerprint and no `opaque-<uuid>`.
    conditions
        What must be the same for a checkpoint to be used: under other conditions the curve would be another.
    environment
        That of this attempt, as a record holds it.
    most_bytes
        Tensors of more than that are not written. [bytes]
    every_seconds
        An epoch is kept when that much work has gathered since the last that was; 0 keeps each. [s]
    warn
        Takes what a person should know.
    """

    def __init__(
        self,
        folder: Path,
        parts: Json,
        *,
        conditions: Json,
        environment: Json,
        most_bytes: int,
        every_seconds: float,
        warn: Callable[[str], None],
    ) -> None:
        self._folder, self._parts, self._key = folder, parts, key_of(parts)
        self._conditions, self._environment, self.environments = conditions, environment, list[Json]()
        self._most_bytes, self.every_seconds, self._warn = most_bytes, every_seconds, warn
        self._epochs = files.epochs_of(folder, self._key)
        self.kept = 0  # the epoch up to which a checkpoint is on the disk; 0 for none
        self._kept_at = self._took = 0.0
        self._not_before, self._warned = 0.0, False

    def latest(self, suits: Callable[[State], bool]) -> State | None:
        """The newest state that can be used; None to begin anew. Sets aside what is damaged.

        Parameters
        ----------
        suits
            Whether a state is one of this training.
        """
        for epoch in reversed(list(self._epochs)):
            state = self._usable(epoch, suits)
            if state is not None:
                self.kept, self._kept_at = epoch, state.seconds
                return state
        return None

    def due(self, seconds: float) -> bool:
        """Whether this epoch is to be kept, the training having taken `seconds` so far, all attempts together."""
        if time.monotonic() < self._not_before:
            return False
        gap = max(self.every_seconds, min(SHARE * self._took, MOST_SECONDS)) if self.every_seconds else 0.0
        return seconds - self._kept_at >= gap

    def save(self, state: State) -> bool:
        """Write a state, and remove what is older than the one before; whether it is on the disk."""
        size = sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in state.tensors()}.values())
        if size > self._most_bytes:
            self._not_before = float("inf")
            self._say(f"it has {size:,} bytes, and this site keeps at most {self._most_bytes:,} (checkpoint_bytes)")
            return False
        began = time.monotonic()
        try:
            self._write(state)
        except (OSError, RuntimeError, MemoryError, ValueError) as reason:
            self._not_before = time.monotonic() + AGAIN_SECONDS
            self._say(f"{type(reason).__name__}: {getattr(reason, 'strerror', None) or str(reason)[:200]}")
            return False
        self._took = time.monotonic() - began
        self.kept, self._kept_at = state.epoch, state.seconds
        self._prune()
        return True

    def clear(self) -> None:
        """Remove all of this task."""
        files.clear(self._folder, self._key)
        self._epochs, self.kept = [], 0

    def _say(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"task {self._key[:12]}… is trained on without a checkpoint of it: {why}")

    def _prune(self) -> None:
        """Leave the newest two of what is no newer than now: a twin's that is further on is its own to remove."""
        self._epochs = sorted({*self._epochs, self.kept})
        done = [epoch for epoch in self._epochs if epoch <= self.kept][: -files.KEPT]
        for epoch in done:
            files.remove(self._folder, self._key, epoch)
        self._epochs = [epoch for epoch in self._epochs if epoch not in done]

    def _write(self, state: State) -> None:
        seen = [*self.environments, *([] if self._environment in self.environments else [self._environment])]
        header = {
            "key": self._key,
            "parts": self._parts,
            "conditions": self._conditions,
            "environments": seen[-MOST_ENVIRONMENTS:],
            "epochs": state.epochs,
            "history": state.history,
            "seconds": state.seconds,
            "cost": state.cost,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = files.draft_of(self._folder, self._key)
        try:
            with os.fdopen(
                os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "w+b"
            ) as file:
                file.write(_first_line("0" * 64))
                hashed = _Hashed(file)
                hashed.write(canonical(header).encode("ascii") + b"\n")
                torch.save({name: getattr(state, name) for name in ("network", "optimiser", "random")}, hashed)  # type: ignore[arg-type]
                file.seek(0)
                file.write(_first_line(hashed.hash.hexdigest()))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(files.path_of(self._folder, self._key, state.epoch))
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(self._folder)

    def _usable(self, epoch: int, suits: Callable[[State], bool]) -> State | None:
        called = f"the checkpoint of epoch {epoch} of task {self._key[:12]}…"
        try:
            with opened(files.path_of(self._folder, self._key, epoch)) as file:
                header = self._header(file, epoch)
                if header["conditions"] != self._conditions:
                    self._warn(f"{called} is not used: made under {header['conditions']}, and here is {self._conditions}")
                    return None
                content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            fields = {name: header[name] for name in ("epochs", "history", "seconds", "cost")}
            state = State(**fields, **{name: content[name] for name in ("network", "optimiser", "random")})
            if not suits(state):
                raise _Unusable("it is none of this training")
            self.environments = [seen for seen in header["environments"] if isinstance(seen, dict)]
        except FileNotFoundError:
            return None
        except (_Damaged, NoPlainFile) as reason:
            files.set_aside(self._folder, self._key, epoch)
            self._epochs.remove(epoch)
            self._warn(f"{called} is damaged and was set aside: {reason}")
            return None
        except Exception as reason:  # noqa: BLE001  whatever is in the file, the training goes on without it
            self._warn(f"{called} is not used: {str(reason)[:200]}")
            return None
        return state

    def _header(self, file: BinaryIO, epoch: int) -> Json:
        """The verified second line of a file, which then stands where the tensors begin."""
        first = FIRST.fullmatch(file.readline(200))
        if first is None:
            raise _Damaged("it does not begin like a checkpoint")
        if int(first[1]) != FORMAT:
            raise _Unusable(f"it has format {int(first[1])}, and this version of jitnas_fn reads {FORMAT}")
        begins, found = file.tell(), hashlib.sha256()
        while part := file.read(PART_BYTES):
            found.update(part)
        if found.hexdigest().encode("ascii") != first[2]:
            raise _Damaged("its content has another hash")
        file.seek(begins)
        line = file.readline(MAX_HEADER_BYTES).decode("ascii", "replace")
        header = parse(line, max_bytes=MAX_HEADER_BYTES, error=_Damaged, what="checkpoint")
        if (header.get("key"), header.get("parts")) != (self._key, self._parts) or len(header.get("history", ())) != epoch:
            raise _Damaged("it is of another task or epoch")
        return header


class _Damaged(StoreError):
    """The file is not what was written there."""


class _Unusable(StoreError):
    """The file is whole, but not for this training."""


class _Hashed:
    """A file that knows the hash of what was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.hash = file, hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Write all of `content`."""
        self.hash.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        """Pass on what is buffered."""
        self._file.flush()


def _first_line(digest: str) -> bytes:
    return f"jitnas_fn checkpoint {FORMAT} {digest}\n".encode("ascii")
