"""Leases on shared storage: one holder of a key at a time, and a fencing token that says who came last.

The leases of a key are a chain of files `<folder>/<its first two digits>/<key>.<n>`, n = 1, 2, 3, …. Whoever holds the key made
the last one, with O_CREAT | O_EXCL on its exact name, so that one of all who try gets it: nothing is renamed, and nothing is
removed in order to be made again. The holder sets its file's time to its own clock every quarter of `ttl_seconds`; when that
stops, anybody may make the next file. Its content is a line of JSON {token, site, host, pid, since}.

**Clocks** may be `skew_seconds` apart (60). A lease is stale once observer's clock − time of the last beat > ttl + skew. While
its holder beats, that difference is at most ttl/4 + skew: it is not taken over, and three beats may fail. The true age of a
dead one is that difference ± skew, so it is taken over at the earliest ttl, at the latest ttl + 2 · skew after its last beat:
60 s and 180 s. An observer that saw the same beat for ttl + 2 · skew takes over too, whatever time the file bears.

**Tokens** rise: a lease's token is above those in its chain, and above those of the records that its holder knows (`least`). A
token is on the disk before `claim` returns, so whatever bears it came after. The token is not the number n: chains are removed
when their work is done, and begin with 1 again, where everybody looks first. If they began behind the greatest token of a
record, somebody who does not see that record yet would look in front of the chain, find nothing, and hold the key as well.

**Removing** a chain begins with its first file. Whoever meets what is left (n missing, n + 1 there) fills the gap with a file
that holds nothing and goes on behind it. A holder whose file is not the last, or has none in front of it, has lost the lease.

A holder that was stopped and comes back learns from `renew` that it has lost, but it may have written before it asked. That is
what the token is for: both records are kept, and the greater token answers.
"""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.errors import LeaseLost, StoreError, TaskError
from jitnas_fn.core.task import is_key
from jitnas_fn.stores._lease_files import MAX_TOKEN, Chain, Sight

__all__ = ["COMPACTION", "MAX_TOKEN", "Held", "Lease", "Leases"]

SKEW_SECONDS = 60.0
TTL_SECONDS = 60.0
COMPACTION = "compaction"
ROUNDS = 100  # of a claim, each of which somebody else spoilt by getting on
GIVEN_UP_NS = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else holds the key.

    Attributes
    ----------
    token
        Of the holder; 0 if it is not known.
    age_seconds
        Since the last beat, by this clock; below 0 if the holder's clock is ahead. [s]
    holder
        What it says of itself, for people: {site, host, pid, since}, as far as it is there.
    """

    token: int
    age_seconds: float
    holder: Json


class Leases:
    """The leases in one folder.

    Parameters
    ----------
    folder
        On the storage that all who claim share; made by the first claim.
    clock
        Gives the time. [s since 1970]
    ttl_seconds
        How long a lease holds without a beat; the same for all who share the folder. [s]
    skew_seconds
        How far their clocks may be apart. [s]
    site
        Who holds what is claimed here: told to those who wait.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        ttl_seconds: float = TTL_SECONDS,
        skew_seconds: float = SKEW_SECONDS,
        site: str = "local",
    ) -> None:
        self.folder, self.ttl_seconds, self.skew_seconds, self.site = Path(folder), ttl_seconds, skew_seconds, site
        self._clock = clock
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}  # key -> the last beat met, and when it was first met

    @property
    def beat_seconds(self) -> float:
        """How often a holder renews, in seconds."""
        return self.ttl_seconds / 4

    def claim(self, key: str, *, least: int = 1) -> "Lease | Held":
        """Hold `key` if nobody does.

        Parameters
        ----------
        key
            Of a task, or `COMPACTION`.
        least
            The smallest token that the lease may have: 1 + the greatest of those that count already.

        Raises
        ------
        StoreError
            If the folder cannot be used, or something else than leases lies in it.
        TaskError
            If `key` is no key, or `least` no token.
        """
        if not (is_key(key) or key == COMPACTION):
            raise TaskError(
                f"a lease is on a key (64 hexadecimal digits or opaque-<uuid>) or {COMPACTION}, not {str(key)[:80]!r}"
            )
        if type(least) is not int or not 0 < least < MAX_TOKEN:
            raise TaskError(f"a token is a whole number from 1 to 2⁶² − 1; this {type(least).__name__} is none")
        chain = Chain(self.folder, key)
        for _ in range(ROUNDS):
            last, token = _followed(chain)
            if last is not None and not self._is_free(key, last):
                return Held(last.token, self._clock() - last.beat_ns / 1e9, last.holder)
            generation = 1 if last is None else last.generation + 1
            lease = self._made(chain, generation, max(least, token + 1))
            if lease is not None:
                self._seen.pop(key, None)
                return lease
        return Held(0, 0.0, {})

    def now_ns(self) -> int:
        """The time by this clock, in nanoseconds since 1970, as files bear it."""
        return max(GIVEN_UP_NS + 1, int(self._clock() * 1e9))

    def _is_free(self, key: str, last: Sight) -> bool:
        if last.beat_ns == GIVEN_UP_NS:
            return True
        now, beat = self._clock(), (last.generation, last.beat_ns)
        if self._seen.get(key, (None, now))[0] != beat:
            self._seen[key] = (beat, now)
        watched_seconds = now - self._seen[key][1]
        patience = self.ttl_seconds + self.skew_seconds
        return now - last.beat_ns / 1e9 > patience or watched_seconds > patience + self.skew_seconds

    def _made(self, chain: Chain, generation: int, token: int) -> "Lease | None":
        """The next generation, made by us behind one that is free; else None.

        The chain may have changed between the look at its last file and this: all is looked at again.
        """
        descriptor = chain.create(generation)
        if descriptor is None:
            return None
        lease = Lease(chain, generation, token=token, descriptor=descriptor, leases=self)
        try:
            chain.write(generation, descriptor, self._about(token))
            chain.beat(generation, descriptor, self.now_ns())
            if chain.has(generation + 1):  # what is left of a removed chain: this file only fills the gap in front of it
                chain.beat(generation, descriptor, GIVEN_UP_NS)
            elif self._is_next(chain, generation):
                return lease
            elif chain.leads_to(generation, descriptor):  # nobody looks here, or whoever is in front holds the key
                chain.remove(generation)
        except BaseException:
            chain.remove(generation)
            lease.close()
            raise
        lease.close()
        return None

    def _is_next(self, chain: Chain, generation: int) -> bool:
        ahead = chain.look(generation - 1) if generation > 1 else None
        return generation == 1 or (ahead is not None and self._is_free(chain.key, ahead))

    def _about(self, token: int) -> bytes:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock()))
        who = {"site": _plain(self.site), "host": _plain(socket.gethostname()), "pid": os.getpid()}
        return canonical({**who, "token": token, "since": since}).encode("ascii") + b"\n"


class Lease:
    """A key held. Used by one thread at a time.

    Attributes
    ----------
    key
        What is held.
    token
        The fencing token, greater than that of every earlier holder.
    generation
        The number of its file; with 1 nobody held the key before and may come back.
    """

    def __init__(self, chain: Chain, generation: int, *, token: int, descriptor: int, leases: Leases) -> None:
        self.key, self.token, self.generation = chain.key, token, generation
        self._chain, self._leases = chain, leases
        self._descriptor: int | None = descriptor  # kept open, so that no other file can get this one's number

    def renew(self) -> None:
        """Say that the holder lives.

        Raises
        ------
        LeaseLost
            If somebody took over, or the file is gone.
        StoreError
            If the disk did not answer as it should; the lease may still hold.
        """
        if self._descriptor is None:
            raise LeaseLost(f"the lease on {self.key[:12]}… with token {self.token} was released: claim another")
        alive = self._chain.beat(self.generation, self._descriptor, self._leases.now_ns())
        if not (alive and self._is_held(self._descriptor)):
            raise LeaseLost(
                f"the lease on {self.key[:12]}… with token {self.token} is lost: it was not renewed for too long, and somebody "
                "else claimed the key or cleared its files"
            )

    def release(self, *, done: bool) -> None:
        """Give the key up. What is no longer held is left alone, and what the disk refuses goes stale by itself.

        Parameters
        ----------
        done
            Whether the work is done: the chain is removed. Otherwise it stays, for the sake of its tokens, and anybody may
            claim the next generation at once.
        """
        descriptor, removed = self._descriptor, False
        if descriptor is None:
            return
        try:
            if done and self._is_held(descriptor):
                removed = all(self._chain.remove(generation) for generation in range(1, self.generation))
            if not removed:
                self._chain.beat(self.generation, descriptor, GIVEN_UP_NS)
        except StoreError:
            removed = False
        finally:
            self.close()
        if removed:  # closed before, as Windows asks
            self._chain.remove(self.generation)

    def close(self) -> None:
        """Forget the lease, which goes stale."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_held(self, descriptor: int) -> bool:
        """Whether the file is there, with none behind it, and one in front of it unless it is the first."""
        chain, here = self._chain, self.generation
        return chain.leads_to(here, descriptor) and not chain.has(here + 1) and (here == 1 or chain.has(here - 1))


def _followed(chain: Chain) -> tuple[Sight | None, int]:
    """The last generation of a chain, None if there is none, and the greatest token in it, 0 if there is none."""
    last, token = None, 0
    while (sight := chain.look(1 if last is None else last.generation + 1)) is not None:
        last, token = sight, max(token, sight.token)
    return last, token


def _plain(name: str) -> str:
    """A name that stays short when it is written as JSON: what is cut off could not be read, nor the token in it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name[:80])
