"""Leases on shared storage: one holder of a key at a time, and a fencing token that says who came last.

The leases of a key are a chain of files `<folder>/<its first two digits>/<key>.<n>`, n = 1, 2, 3, …. Whoever holds the key made
the last one, with O_CREAT | O_EXCL on its exact name, so that one of all who try gets it; nothing is renamed. The holder sets
its file's time to its own clock every quarter of `ttl_seconds`; when that stops, anybody may make the next file. A file's
content is a line of JSON {token, site, host, pid, since}.

**Clocks**, the file server's too, may be `skew_seconds` apart (60). A lease is stale once observer's clock − time of the last
beat > ttl + skew. While its holder beats, that difference is at most ttl/4 + skew: it is not taken over, and three beats may
fail. The true age of a dead one is that difference ± skew, so it is taken over at the earliest ttl, at the latest ttl + 2·skew
after its last beat: 60 s and 180 s. An observer that saw the same beat for ttl + 2·skew takes over too, whatever time the file
bears.

**Tokens** rise: a lease's token is above those in its chain, and above those of the records that its holder knows (`least`). A
token is on the disk before `claim` returns, so whatever bears it came after. The token is not the number n: chains are removed
when their work is done, and begin with 1 again, where everybody looks first. If they began behind the greatest token of a
record, somebody who does not see that record yet would look in front of the chain, find nothing, and hold the key as well.

**Removing** a chain begins with its first file. Whoever meets what is left (n missing, n + 1 there) fills the gap with a file
that holds nothing and goes on behind it. A holder whose file is not the last of a chain that is whole has lost the lease.

A holder that was stopped and comes back learns from `renew` that it has lost, but it may have written before it asked. That is
what the token is for: both records are kept, and the greater token answers.
"""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from jitnas_fn.core.codec import canonical
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.task import is_key
from jitnas_fn.stores._lease import GIVEN_UP_NS, Held, Lease, is_whole
from jitnas_fn.stores._lease_files import MAX_TOKEN, Chain, Sight

__all__ = ["COMPACTION", "MAX_TOKEN", "Held", "Lease", "Leases"]

SKEW_SECONDS = 60.0
TTL_SECONDS = 60.0
COMPACTION = "compaction"
MOST_WATCHED = 100_000  # keys whose last beat is remembered; then watching begins anew
ROUNDS = 100  # of a claim, each of which somebody else spoilt by getting on


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

    def claim(self, key: str, *, least: int = 1) -> Lease | Held:
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

    def holder(self, key: str) -> Held | None:
        """Who holds `key` now; None if nobody does. Nothing is claimed. Raises `StoreError`."""
        last, _ = _followed(Chain(self.folder, key))
        if last is None or self._is_free(key, last):
            return None
        return Held(last.token, self._clock() - last.beat_ns / 1e9, last.holder)

    def _now_ns(self) -> int:
        """The time by this clock, in nanoseconds since 1970, as files bear it."""
        return max(GIVEN_UP_NS + 1, int(self._clock() * 1e9))

    def _is_free(self, key: str, last: Sight) -> bool:
        if last.beat_ns == GIVEN_UP_NS:
            return True
        now, beat = self._clock(), (last.generation, last.beat_ns)
        seen = self._seen.get(key)
        if seen is None or seen[0] != beat:
            if len(self._seen) >= MOST_WATCHED:
                self._seen.clear()
            seen = self._seen[key] = (beat, now)
        watched_seconds = now - seen[1]
        patience = self.ttl_seconds + self.skew_seconds
        return now - last.beat_ns / 1e9 > patience or watched_seconds > patience + self.skew_seconds

    def _made(self, chain: Chain, generation: int, token: int) -> Lease | None:
        """The next generation, made by us behind one that is free; else None.

        The chain may have changed between the look at its last file and this: all is looked at again.
        """
        descriptor = chain.create(generation)
        if descriptor is None:
            return None
        lease = Lease(chain, generation, token=token, descriptor=descriptor, now_ns=self._now_ns)
        try:
            chain.write(generation, descriptor, self._about(token))
            chain.beat(generation, descriptor, self._now_ns())
            if not self._is_next(chain, generation):
                if chain.leads_to(generation, descriptor):
                    chain.remove(generation)
            elif lease.holds():
                return lease
            else:  # what is left of a removed chain: this file only fills the gap in front of it
                chain.beat(generation, descriptor, GIVEN_UP_NS)
        except BaseException:
            chain.remove(generation)
            lease.close()
            raise
        lease.close()
        return None

    def _is_next(self, chain: Chain, generation: int) -> bool:
        """Whether the chain in front of a generation is whole, and nobody holds its end."""
        if not is_whole(chain, generation - 1):
            return False
        ahead = chain.look(generation - 1) if generation > 1 else None
        return generation == 1 or (ahead is not None and self._is_free(chain.key, ahead))

    def _about(self, token: int) -> bytes:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock()))
        who = {"site": _plain(self.site), "host": _plain(socket.gethostname()), "pid": os.getpid()}
        return canonical({**who, "token": token, "since": since}).encode("ascii") + b"\n"


def _followed(chain: Chain) -> tuple[Sight | None, int]:
    """The last generation of a chain, None if there is none, and the greatest token in it, 0 if there is none."""
    last, token = None, 0
    while (sight := chain.look(1 if last is None else last.generation + 1)) is not None:
        last, token = sight, max(token, sight.token)
    return last, token


def _plain(name: str) -> str:
    """A name that stays short when it is written as JSON: what is cut off could not be read, nor the token in it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name[:80])
